/**
 * The speed of this machine's adapter, measured in a process of its own (design-speed-worker.ts): compiling kernels there holds up no key,
 * and a driver that crashes does not take the designer along.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { atExit } from '../core/cleanup.ts';
import { UserError } from '../core/errors.ts';
import { workerUrl } from '../io/worker-url.ts';

export type SpeedAnswer =
  | { kind: 'speed'; flopsPerSecond: number; adapter: string; utilisation: number }
  | { kind: 'failed'; message: string; hint: string | undefined };

/** Adapters answer within seconds; a software one on a busy machine may take longer. */
const patienceMs = 60_000;

/** Throws a `UserError` that says why it could not be measured; aborting ends the measurement without an answer. */
export function adapterSpeed(signal: AbortSignal): Promise<Extract<SpeedAnswer, { kind: 'speed' }>> {
  const script = fileURLToPath(workerUrl('design-speed-worker', import.meta.url));
  return new Promise((resolve, reject) => {
    // Nothing it prints may reach the screen.
    const child = fork(script, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const stop = (): void => void child.kill('SIGKILL');
    const unregister = atExit(stop);
    const timer = setTimeout(() => {
      stop();
      reject(new UserError(`no answer within ${patienceMs / 1000} s`));
    }, patienceMs);
    let errors = '';
    child.stderr!.on('data', (data: Buffer) => {
      errors = (errors + data.toString()).slice(-2000);
    });
    child.on('message', (answer: SpeedAnswer) => {
      if (answer.kind === 'speed') resolve(answer);
      else reject(new UserError(answer.message, answer.hint === undefined ? {} : { hint: answer.hint }));
    });
    child.on('error', reject);
    child.on('exit', (code, by) => {
      clearTimeout(timer);
      unregister();
      signal.removeEventListener('abort', stop);
      const last = errors.trim().split('\n').at(-1) ?? '';
      reject(new UserError(`it ended early (${by ?? `code ${code}`})${last === '' ? '' : `: ${last}`}`));
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
}
