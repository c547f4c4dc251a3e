/**
 * Decides on all documents of a run: its signal files cut into tasks, the tasks on worker threads, the results put together in order.
 *
 * Memory is what is kept per document: 16 bytes, and 8 for each dedup step whose priority is a signal; beside that one task's columns per
 * thread. Threads cost a fifth of a second to start, so a small run is decided in place.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { InputError, InterruptedError } from '../core/errors.ts';
import { workerUrl } from '../io/worker-url.ts';
import type { Decided, DecisionPlan } from './recut-decide.ts';
import { type DecisionTask, decideTask } from './recut-task.ts';
import type { SignalRun } from './run-signals.ts';

/** Rows of a task: enough to make its start not matter, few enough for two threads to end together. */
const taskRows = 1 << 16;
const defaultThreadsFrom = 1 << 17;

interface PlacedTask extends DecisionTask {
  /** Number of the first document. */
  first: number;
  rows: number;
}

/** Row groups of one unit, joined until they have `taskRows` rows. */
export function planTasks(run: SignalRun): PlacedTask[] {
  const tasks: PlacedTask[] = [];
  for (const unit of run.units) {
    if (unit.path === null) continue;
    let first = unit.first;
    for (let from = 0; from < unit.groups.length; ) {
      let rows = 0;
      let to = from;
      while (to < unit.groups.length && (rows === 0 || rows + unit.groups[to]! <= taskRows))
        rows += unit.groups[to++]!;
      if (rows > 0) tasks.push({ path: unit.path, groups: [from, to], first, rows });
      first += rows;
      from = to;
    }
  }
  return tasks;
}

export interface DecideOptions {
  workers?: number;
  /** Below this many documents everything is done in place. */
  threadsFrom?: number;
  signal?: AbortSignal;
  /** Told how many documents have been decided. */
  progress?: (documents: number) => void;
}

/** The decisions on all documents, in document order. */
export async function decideRun(
  run: SignalRun,
  plan: DecisionPlan,
  options: DecideOptions = {},
): Promise<Decided> {
  const n = run.documents;
  const total: Decided = {
    before: new Int16Array(n),
    after: new Int16Array(n),
    survives: new Uint32Array(n),
    tokens: new Float64Array(n),
    priorities: plan.priorities.map((name) => (name === null ? undefined : new Float64Array(n))),
    alone: new Float64Array(plan.after.length),
    aloneTokens: new Float64Array(plan.after.length),
  };
  let done = 0;
  const take = (task: PlacedTask, part: Decided): void => {
    total.before.set(part.before, task.first);
    total.after.set(part.after, task.first);
    total.survives.set(part.survives, task.first);
    total.tokens.set(part.tokens, task.first);
    for (const [i, priorities] of part.priorities.entries()) {
      if (priorities !== undefined) total.priorities[i]?.set(priorities, task.first);
    }
    // Counts and token counts are multiples of a quarter below 2^51, so their sums do not depend on the order.
    for (const key of ['alone', 'aloneTokens'] as const) {
      for (let i = 0; i < total[key].length; i++) total[key][i]! += part[key][i]!;
    }
    done += task.rows;
    options.progress?.(done);
  };
  const tasks = planTasks(run);
  const wanted = options.workers ?? availableParallelism();
  const threads = n < (options.threadsFrom ?? defaultThreadsFrom) ? 0 : Math.min(wanted, tasks.length);
  if (threads < 2) {
    for (const task of tasks) {
      if (options.signal?.aborted === true) throw new InterruptedError();
      take(task, await decideTask(plan, task));
    }
  } else await onThreads(threads, tasks, plan, take, options.signal);
  return total;
}

type Answer =
  | { ok: true; decided: Decided }
  | { ok: false; problem: string; file?: string; place?: string | undefined };

/** Each thread takes the next task until none is left. */
function onThreads(
  count: number,
  tasks: readonly PlacedTask[],
  plan: DecisionPlan,
  take: (task: PlacedTask, decided: Decided) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entry = workerUrl('recut-worker', import.meta.url);
  const workers = Array.from({ length: count }, () => new Worker(entry, { workerData: plan, execArgv: [] }));
  let next = 0;
  let left = tasks.length;
  return new Promise<void>((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new InterruptedError()), { once: true });
    for (const worker of workers) {
      let inHand: PlacedTask | undefined;
      const give = (): void => {
        inHand = tasks[next++];
        if (inHand !== undefined) worker.postMessage({ path: inHand.path, groups: inHand.groups });
      };
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`a thread of recut ended by itself (exit code ${code})`)));
      worker.on('message', (answer: Answer) => {
        if (!answer.ok) {
          const place = answer.place === undefined ? {} : { place: answer.place };
          reject(
            answer.file === undefined
              ? new Error(answer.problem)
              : new InputError(answer.file, answer.problem, place),
          );
          return;
        }
        if (inHand !== undefined) take(inHand, answer.decided);
        left--;
        if (left === 0) resolve();
        else give();
      });
      give();
    }
  }).finally(() => {
    for (const worker of workers) {
      // One that is being ended may still say why.
      worker.removeAllListeners().on('error', () => {});
      void worker.terminate();
    }
  });
}
