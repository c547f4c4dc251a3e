/**
 * Runs units of work on worker threads: as many at once as asked, each watched, one result each.
 *
 * 1. A worker thread takes one unit at a time and reports through shared memory (unit-progress.ts), so a worker that is
 *    stuck in a document is seen without its help.
 * 2. A unit that shows no life for `stallSeconds`, or whose thread dies or runs over its memory limit, is tried once more. If
 *    it dies again in the same document, that document is set aside (the unit counts it as failed) and the unit goes on without it.
 * 3. A unit that still does not end is reported as failed with what happened; the others go on.
 * 4. On abort every unit is asked to stop and discard what it has not finished; threads that do not answer are ended. On drain units in
 *    hand are finished, tried again if their thread dies, and no other is begun.
 *
 * Results do not depend on which worker did what or when, except for what the clock decides in step 2.
 */
import { Worker } from 'node:worker_threads';
import { atExit } from '../core/cleanup.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import { UnitProgress } from './unit-progress.ts';

export interface PoolTask {
  id: string;
  payload: unknown;
}

export interface PoolOptions {
  /** The module each thread runs; it serves with `serveUnits`. */
  entry: URL;
  workers: number;
  /** Seconds without a sign of life before a unit is ended. */
  stallSeconds: number;
  /** JavaScript heap of one thread. */
  memoryMegabytes: number;
  signal: AbortSignal;
  /** Once aborted, no further task is begun; those in hand are finished, and `run` ends as if there were no more. */
  drain?: AbortSignal;
  /** Handed to every thread as its `workerData`; shared memory in it is shared. */
  shared?: unknown;
}

export type PoolOutcome =
  | { ok: true; value: unknown; attempts: number }
  /** `mendable`: a worker died or a file is damaged; else the program itself is at fault. */
  | { ok: false; problem: string; mendable: boolean; attempts: number };

/** The error for a task without which the job cannot go on. */
export function poolFailure(what: string, { problem, mendable }: PoolOutcome & { ok: false }): Error {
  if (!mendable) return new Error(`${what}: ${problem}`);
  return new UserError(`${what}: ${problem}`, {
    hint: 'run again: what is damaged is made again; a worker that was too slow or too large gets more by limits.stallSeconds or limits.workerMegabytes',
  });
}

/** What the pool sends to a thread, and what comes back. */
export interface UnitRequest {
  payload: unknown;
  memory: SharedArrayBuffer;
  /** Documents (by ordinal in the unit) that killed earlier attempts, and how. */
  skip: Record<number, string>;
}
export type UnitAnswer =
  | { kind: 'done'; value: unknown }
  | { kind: 'stopped' }
  /** `fatal`: no unit can go on (disk full, no permission). `mendable`: a file is damaged; else the program is at fault. */
  | {
      kind: 'error';
      fatal: boolean;
      mendable: boolean;
      message: string;
      hint?: string | undefined;
      stack?: string | undefined;
    };

/** Documents a unit may lose to crashes before it is given up. */
const mostSkipped = 8;
const mostAttempts = 24;
/** Threads a task may lose before it has begun. */
const mostUnbegun = 3;
const graceMilliseconds = 2000;
const endMilliseconds = 10_000;
/** A fresh thread loads its modules before the first beat, which a busy machine may draw out. */
const startSeconds = 30;

/** With V8's usual 48 MB a job of two workers peaked at 900 MB instead of 585, in the same time. */
const youngMegabytes = 16;

export class LocalPool {
  private readonly options: PoolOptions;
  private readonly idle: Worker[] = [];
  private readonly running = new Map<string, UnitProgress>();
  private readonly unregister: () => void;
  private readonly all = new Set<Worker>();
  /** No further attempt is begun: the job was aborted, or one of its tasks cannot go on. */
  private halted = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.unregister = atExit(() => this.close());
  }

  /** Progress of the units being worked on now, by task id. */
  get inFlight(): ReadonlyMap<string, UnitProgress> {
    return this.running;
  }

  /**
   * Runs all tasks; `onOutcome` is awaited for each, in the order they end. Tasks are a list, or a function that gives the next one:
   * undefined when there will be no more. It may wait for outcomes, but not once its signal says that the run has stopped, or is drained;
   * what it throws ends the run. A drained run answers when the tasks in hand have ended: those without an outcome are left.
   */
  async run(
    tasks: readonly PoolTask[] | ((stopped: AbortSignal) => Promise<PoolTask | undefined>),
    onOutcome: (task: PoolTask, outcome: PoolOutcome) => Promise<void>,
  ): Promise<void> {
    let taken = 0;
    const stopped = new AbortController();
    const { drain } = this.options;
    const stopTaking = (): void => stopped.abort();
    const isDrained = (): boolean => drain?.aborted === true;
    const next = async (): Promise<PoolTask | undefined> =>
      typeof tasks === 'function' ? tasks(stopped.signal) : tasks[taken++];
    let failure: { error: unknown } | undefined;
    this.halted = false;
    const stopAll = (): void => {
      this.halted = true;
      stopped.abort();
      for (const progress of this.running.values()) progress.requestStop();
    };
    this.options.signal.addEventListener('abort', stopAll);
    drain?.addEventListener('abort', stopTaking);
    if (isDrained()) stopTaking();
    const lane = async (): Promise<void> => {
      while (failure === undefined && !this.options.signal.aborted && !isDrained()) {
        try {
          const task = await next();
          // The drain may have come while the task was waited for.
          if (task === undefined || isDrained()) return;
          await onOutcome(task, await this.runTask(task));
        } catch (error) {
          failure ??= { error };
          stopAll();
        }
      }
    };
    try {
      const most = typeof tasks === 'function' ? Number.POSITIVE_INFINITY : tasks.length;
      await Promise.all(Array.from({ length: Math.min(this.options.workers, most) }, lane));
    } finally {
      this.options.signal.removeEventListener('abort', stopAll);
      drain?.removeEventListener('abort', stopTaking);
    }
    if (this.options.signal.aborted) throw new InterruptedError();
    if (failure !== undefined) throw failure.error;
  }

  async close(): Promise<void> {
    this.unregister();
    await Promise.all([...this.all].map((worker) => worker.terminate()));
    this.all.clear();
    this.idle.length = 0;
  }

  private async runTask(task: PoolTask): Promise<PoolOutcome> {
    const skip: Record<number, string> = {};
    const deaths = new Map<number, number>();
    let attempts = 0;
    let unbegunDeaths = 0;
    for (;;) {
      if (this.halted || this.options.signal.aborted) throw new InterruptedError();
      attempts++;
      const progress = new UnitProgress();
      this.running.set(task.id, progress);
      const end = await this.attempt(
        { payload: task.payload, memory: progress.memory, skip },
        progress,
      ).finally(() => this.running.delete(task.id));
      if (end.kind === 'done') return { ok: true, value: end.value, attempts };
      if (end.kind === 'stopped') throw new InterruptedError();
      if (end.kind === 'error' && end.fatal) {
        throw new UserError(end.message, end.hint === undefined ? {} : { hint: end.hint });
      }
      // A thread may die of something else just when it is handed a task; that is not the task's fault.
      const unbegun = end.kind === 'died' && progress.beats === 0;
      const where = end.kind === 'died' ? end.inHand : -1;
      if (unbegun && ++unbegunDeaths < mostUnbegun) continue;
      const count = (deaths.get(where) ?? 0) + 1;
      deaths.set(where, count);
      if (count >= 2 && where >= 0 && Object.keys(skip).length < mostSkipped) skip[where] = end.message;
      else if (count >= 2 || attempts >= mostAttempts) {
        const mendable = end.kind === 'died' || end.mendable;
        return { ok: false, problem: `${end.message} (tried ${attempts} times)`, mendable, attempts };
      }
    }
  }

  /** One try on one thread. The thread survives unless it died or had to be ended. */
  private attempt(
    request: UnitRequest,
    progress: UnitProgress,
  ): Promise<UnitAnswer | { kind: 'died'; message: string; inHand: number }> {
    const worker = this.idle.pop() ?? this.start();
    return new Promise((resolve) => {
      let beats = -1;
      let quietSince = Date.now();
      const finish = (answer: Parameters<typeof resolve>[0], alive: boolean): void => {
        clearInterval(watch);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        if (alive) {
          this.idle.push(worker);
          resolve(answer);
        } else {
          // It must be gone before another does the unit again: a write of its own may still be on the way.
          void this.end(worker).then(() => resolve(answer));
        }
      };
      const died = (message: string): void =>
        finish({ kind: 'died', message, inHand: progress.inHand }, false);
      const watch = setInterval(() => {
        if (progress.beats !== beats) {
          beats = progress.beats;
          quietSince = Date.now();
        }
        const quiet = Date.now() - quietSince;
        if (this.options.signal.aborted && quiet > graceMilliseconds) finish({ kind: 'stopped' }, false);
        else if (
          quiet >
          (beats === 0 ? Math.max(startSeconds, this.options.stallSeconds) : this.options.stallSeconds) * 1000
        ) {
          died(`no progress for ${this.options.stallSeconds} s, so the worker was ended`);
        }
      }, 100);
      const onMessage = (answer: UnitAnswer): void => finish(answer, true);
      const onError = (error: NodeJS.ErrnoException): void =>
        died(
          error.code === 'ERR_WORKER_OUT_OF_MEMORY'
            ? `the worker went over its memory limit of ${this.options.memoryMegabytes} MB`
            : `the worker crashed: ${error.message}`,
        );
      const onExit = (code: number): void => died(`the worker ended by itself (exit code ${code})`);
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(request);
    });
  }

  /** Ends a thread; waits for it, but not for ever: native code cannot be interrupted. */
  private async end(worker: Worker): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, endMilliseconds);
    });
    await Promise.race([worker.terminate(), patience]);
    clearTimeout(timer);
  }

  private start(): Worker {
    const worker = new Worker(this.options.entry, {
      execArgv: [],
      workerData: this.options.shared ?? null,
      resourceLimits: {
        maxOldGenerationSizeMb: this.options.memoryMegabytes,
        maxYoungGenerationSizeMb: youngMegabytes,
      },
    });
    this.all.add(worker);
    // A thread may die between two tasks, or report why it ended after it was given up.
    worker.on('error', () => {});
    worker.once('exit', () => {
      this.all.delete(worker);
      const at = this.idle.indexOf(worker);
      if (at >= 0) this.idle.splice(at, 1);
    });
    return worker;
  }
}
