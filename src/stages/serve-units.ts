/** The thread's side of the local pool: takes one request at a time, runs it, answers. (local-pool.ts is the other side.) */
import { parentPort } from 'node:worker_threads';
import { InterruptedError, invariant, messageOf, UserError } from '../core/errors.ts';
import type { UnitAnswer, UnitRequest } from './local-pool.ts';
import { UnitProgress } from './unit-progress.ts';

/** System errors after which no unit can go on, and the cure. */
const fatalCodes: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space on that disk and run again; finished units are kept',
  EDQUOT: 'the disk quota is used up; free some space and run again, finished units are kept',
  EFBIG: 'raise the limit on file sizes (ulimit -f) and run again; finished units are kept',
  EROFS: 'that disk is read-only; choose another --out',
  EACCES: 'the output folder must be writable; choose another --out or change its permissions',
  EPERM: 'the output folder must be writable; choose another --out or change its permissions',
  EMFILE: 'too many open files; raise the limit (ulimit -n) or use fewer --workers',
};

/** Serves until the thread is ended. */
export function serveUnits(
  work: (
    payload: unknown,
    progress: UnitProgress,
    skip: Readonly<Record<number, string>>,
  ) => Promise<unknown>,
): void {
  invariant(parentPort !== null, 'serveUnits runs in a worker thread');
  const port = parentPort;
  port.on('message', (request: UnitRequest) => {
    const progress = new UnitProgress(request.memory);
    progress.beat();
    work(request.payload, progress, request.skip).then(
      (value) => port.postMessage({ kind: 'done', value } satisfies UnitAnswer),
      (error: unknown) => port.postMessage(answerFor(error)),
    );
  });
}

function answerFor(error: unknown): UnitAnswer {
  if (error instanceof InterruptedError) return { kind: 'stopped' };
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const cure = code === undefined ? undefined : fatalCodes[code];
  return {
    kind: 'error',
    mendable: error instanceof UserError,
    fatal: cure !== undefined || (error instanceof UserError && error.name === 'UserError'),
    message: messageOf(error),
    hint: cure ?? (error instanceof UserError ? error.hint : undefined),
    stack: error instanceof Error ? error.stack : undefined,
  };
}
