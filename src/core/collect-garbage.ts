/**
 * Collects a thread's garbage now. V8 lets the memory outside its heap (file pieces, columns) grow by some 64 MB a thread before it looks,
 * and a thread that has become idle keeps the heap of its busiest time; where a stretch of work has ended, and only there, it is worth the 20
 * to 40 ms to begin the next one with what is really in use. Nothing depends on it: where V8 gives no way to ask, nothing happens.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (how?: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;
let collect: Collect | undefined;

/** `shrink`: the heap itself is made small too, which otherwise stays as large as it once was (36 ms; 150 MB became 6). */
export function collectGarbage({ shrink = false } = {}): void {
  collect ??= collector();
  if (shrink) collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  else collect();
}

function collector(): Collect {
  try {
    // The function is in contexts made after the flag was set.
    setFlagsFromString('--expose-gc');
    return runInNewContext('gc') as Collect;
  } catch {
    return () => {};
  }
}
