/**
 * Kills its own process at a chosen operation on files: import it first. `MIDTRAIN_TEST_DIE` is JSON: `log`, a file that gets a line for
 * each operation of the main thread, and `at`, the number of the one that is the last; `how`: 'before' it, 'after' it, or 'torn': of a write
 * only half, of anything else as 'before'. Random moments seldom fall between two renames; these can.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

interface Order {
  log?: string;
  at?: number;
  how?: 'before' | 'after' | 'torn';
}

const { log, at, how = 'before' } = JSON.parse(process.env.MIDTRAIN_TEST_DIE ?? '{}') as Order;
const own = { writeSync: fs.writeSync, openSync: fs.openSync };
const logFile = log === undefined ? undefined : own.openSync(log, 'w');
let operations = 0;
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

type Any = (...args: unknown[]) => unknown;

/** Counts a call; `half` does half of it. */
function step(name: string, path: string, call: () => unknown, half?: () => unknown): unknown {
  const number = operations++;
  if (logFile !== undefined) own.writeSync(logFile, `${name}\t${path}\n`);
  if (number !== at) return call();
  if (how === 'before') die();
  if (how === 'torn') {
    const done = half?.();
    if (done instanceof Promise) return done.then(die);
    die();
  }
  const done = call();
  if (done instanceof Promise) return done.finally(die);
  die();
  return done;
}

const paths = new Map<unknown, string>();
const sync = fs as unknown as Record<string, Any>;
for (const name of ['openSync', 'mkdirSync', 'renameSync', 'rmSync', 'readSync', 'writeSync', 'fsyncSync']) {
  const plain = sync[name]!;
  sync[name] = (...args: unknown[]) => {
    // A source or a module that is read is no step of the work.
    const isRead = name === 'openSync' && (args[1] === undefined || args[1] === 'r' || args[1] === 0);
    const path = typeof args[0] === 'number' ? (paths.get(args[0]) ?? '') : String(args[0]);
    if (isRead) {
      const fd = plain(...args);
      paths.set(fd, path);
      return fd;
    }
    const result = step(name.replace('Sync', ''), path, () => plain(...args));
    if (name === 'openSync') paths.set(result, path);
    return result;
  };
}

const promises = fs.promises as unknown as Record<string, Any>;
for (const name of ['mkdir', 'rename', 'rm', 'writeFile', 'symlink']) {
  const plain = promises[name]!;
  promises[name] = (...args: unknown[]) =>
    step(name, String(name === 'symlink' ? args[1] : args[0]), () => plain(...args));
}
const open = promises.open!;
promises.open = async (...args: unknown[]) => {
  if (args[1] === undefined || args[1] === 'r') return open(...args);
  const path = String(args[0]);
  const handle = (await step('open', path, () => open(...args))) as Record<string, Any>;
  for (const name of ['write', 'sync', 'appendFile']) {
    const plain = handle[name]!.bind(handle);
    handle[name] = (...given: unknown[]) => {
      const bytes = given[0] as Uint8Array;
      const half =
        name === 'sync'
          ? undefined
          : () =>
              handle.plainWrite!(
                bytes,
                given[1] ?? 0,
                ((given[2] as number | undefined) ?? bytes.length) >> 1,
              );
      return step(name, path, () => plain(...given), half);
    };
    if (name === 'write') handle.plainWrite = plain;
  }
  return handle;
};
syncBuiltinESMExports();
