/** The thread of a recut: reads the columns of some row groups, decides, and hands the arrays back without copying them. */
import { parentPort, workerData } from 'node:worker_threads';
import { InputError, messageOf } from '../core/errors.ts';
import { type DecisionPlan, type DecisionTask, decideTask } from './recut-task.ts';

const port = parentPort;
const plan = workerData as DecisionPlan;
port?.on('message', (task: DecisionTask) => {
  decideTask(plan, task).then(
    (decided) => {
      const arrays = Object.values(decided).flat() as (ArrayBufferView | undefined)[];
      const buffers = new Set(
        arrays.flatMap((array) => (array === undefined ? [] : [array.buffer as ArrayBuffer])),
      );
      port.postMessage({ ok: true, decided }, [...buffers]);
    },
    (error: unknown) => {
      const input = error instanceof InputError ? { file: error.file, place: error.place } : {};
      port.postMessage({
        ok: false,
        ...input,
        problem: error instanceof InputError ? error.problem : messageOf(error),
      });
    },
  );
});
