/**
 * What must be undone before the process ends, whoever ends it: GPU devices destroyed (Dawn crashes at exit otherwise), worker
 * processes stopped. Owners register here; src/main.ts runs the list once, newest first, on every way out.
 */

type Cleanup = () => void | Promise<void>;

const registered = new Set<Cleanup>();

/** Registers `cleanup`; the returned function takes it back, for owners that clean up by themselves earlier. */
export function atExit(cleanup: Cleanup): () => void {
  const entry: Cleanup = () => cleanup(); // a fresh function, so that registering the same one twice runs it twice
  registered.add(entry);
  return () => registered.delete(entry);
}

/**
 * Runs and empties the list, newest first, each given at most `limitMs`; one that fails or hangs does not stop the others.
 * Returns what they threw.
 */
export async function runCleanups(limitMs = 5000): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const cleanup of takeAll()) {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`a clean-up took longer than ${limitMs} ms`)), limitMs);
    });
    try {
      await Promise.race([cleanup(), limit]);
    } catch (error) {
      failures.push(error);
    } finally {
      clearTimeout(timer);
    }
  }
  return failures;
}

/** The same without waiting, for a second Ctrl-C: starts every clean-up; only the synchronous part is sure to happen. */
export function runCleanupsNow(): void {
  for (const cleanup of takeAll()) {
    try {
      const pending = cleanup();
      if (pending instanceof Promise) pending.catch(() => {});
    } catch {
      // The process is about to end; there is nobody left to tell.
    }
  }
}

function takeAll(): Cleanup[] {
  const all = [...registered].reverse();
  registered.clear();
  return all;
}
