/**
 * A reward written by the user: a TypeScript or JavaScript module that exports
 *   (prompts: string[], completions: string[], rows: object[]) => Entry[] | Promise<Entry[]>
 * as default, or under a name given behind `#` (`./my-reward.ts#brevity`). `rows` are the problems' columns, with `question`, `expected`,
 * `truncated` and `completion_tokens` added where a problem has none of that name. An entry, one for each completion, is a number, `null` for "cannot
 * be scored", or an object with the keys of verl's reward functions: `score` (number or null), `acc` (whether the answer is right: true, false, 1, 0, or
 * null for "cannot be judged") and `pred` (the answer that was found, a text or null). Where a module gives `acc`, accuracy is what it says, and the grader
 * is not asked; of several rewards the first that judges counts.
 *
 * It runs in a worker thread with a deadline for each batch. A batch that throws or runs out of time is null for every row, and counted; an
 * endless loop costs its thread, and the next batch starts another. A module that cannot be loaded, or answers with something else, ends the run with an
 * error that names the module, the place and the value. What it prints to stdout is dropped; stderr passes.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../src/core/errors.ts';
import { workerUrl } from '../../src/io/worker-url.ts';
import type { PartScores, RewardInput, RewardPart } from './reward.ts';
import type { UserAnswer, UserBatch } from './user-reward-worker.ts';

export interface UserRewardOptions {
  /** Folder that a relative path starts from: the config's. */
  readonly folder: string;
  /** Milliseconds a batch may take. */
  readonly timeout: number;
}

/** `./reward.ts`, `rewards/brevity.js#score`: a path, not the name of a built-in reward. */
export const isModulePath = (spec: string): boolean => /\.[cm]?[jt]s(?:#\w+)?$/.test(spec);

/** The file of a module path. Throws where there is none. */
export function moduleFile(spec: string, folder: string): string {
  const file = path.resolve(folder, spec.replace(/#\w+$/, ''));
  if (existsSync(file)) return file;
  throw new UserError(`no reward module ${file}`, {
    hint: 'a relative path starts from the folder of the config',
  });
}

/** Milliseconds that a thread may take to load a module that loaded before. */
const slowestRestart = 60_000;

export class UserReward implements RewardPart {
  readonly name: string;
  private readonly file: string;
  private readonly exported: string;
  private readonly timeout: number;
  private worker: Worker | undefined;
  private batches = 0;
  private loaded = false;
  /** It has said of some batch which answers are right: then nobody else is asked, not even of a batch that fails. */
  private judges = false;

  private constructor(spec: string, options: UserRewardOptions) {
    const [file, exported] = spec.split('#') as [string, string | undefined];
    this.file = path.resolve(options.folder, file);
    this.exported = exported ?? 'default';
    this.name = exported ?? path.basename(file).replace(/\.[cm]?[jt]s$/, '');
    this.timeout = options.timeout;
  }

  /** Loads the module once, so that a wrong path or a syntax error ends the run before it begins. */
  static async load(spec: string, options: UserRewardOptions): Promise<UserReward> {
    moduleFile(spec, options.folder);
    const reward = new UserReward(spec, options);
    await reward.start();
    return reward;
  }

  private async start(): Promise<Worker> {
    const worker = new Worker(workerUrl('user-reward-worker', import.meta.url), {
      workerData: { module: pathToFileURL(this.file).href, name: this.exported },
      execArgv: [],
      stdout: true, // what it prints must not tear the terminal's display
    });
    worker.unref();
    worker.stdout.resume();
    // Between batches nobody waits for it: what it throws then must end neither the run nor the next batch.
    worker.on('error', () => {});
    worker.on('exit', () => {
      if (this.worker === worker) this.worker = undefined;
    });
    // Once it has loaded, a slow start is the machine's fault and not the module's.
    const deadline = this.loaded ? Math.max(this.timeout, slowestRestart) : this.timeout;
    const answer = await this.next(worker, () => true, deadline);
    if (answer.kind === 'ready') {
      this.worker = worker;
      this.loaded = true;
      return worker;
    }
    await worker.terminate();
    const why = 'message' in answer ? answer.message : answer.kind;
    throw new UserError(`reward module ${this.file} cannot be used: ${why}`, {
      hint: 'export default (prompts, completions, rows) => a number, null or { score, acc, pred } for each completion',
    });
  }

  /** The next message that `wanted` accepts; a thread that dies or runs out of time is a failure. */
  private next(
    worker: Worker,
    wanted: (answer: UserAnswer) => boolean,
    deadline: number,
    signal?: AbortSignal,
  ): Promise<UserAnswer> {
    return new Promise((resolve) => {
      const done = (answer: UserAnswer): void => {
        clearTimeout(timer);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        signal?.removeEventListener('abort', onAbort);
        resolve(answer);
      };
      const fail = (message: string): void => done({ kind: 'failed', id: -1, message });
      const late = (): void => done({ kind: 'late', message: `no answer within ${deadline / 1000} s` });
      const onMessage = (answer: UserAnswer): void => {
        if (wanted(answer)) done(answer);
      };
      const onError = (error: Error): void => fail(error.message);
      const onExit = (code: number): void => fail(`it ended its thread with code ${code}`);
      const onAbort = (): void => fail('stopped');
      const timer = setTimeout(late, deadline);
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      signal?.addEventListener('abort', onAbort);
    });
  }

  async score(batch: readonly RewardInput[], signal?: AbortSignal): Promise<PartScores> {
    const worker = this.worker ?? (await this.start());
    const id = this.batches++;
    const message: UserBatch = {
      id,
      prompts: batch.map((input) => input.prompt),
      completions: batch.map((input) => input.completion),
      rows: batch.map((input) => ({
        question: input.question,
        expected: input.expected,
        truncated: input.truncated,
        completion_tokens: input.completionTokens,
        ...input.row,
      })),
    };
    const waiting = this.next(worker, (answer) => 'id' in answer && answer.id === id, this.timeout, signal);
    worker.postMessage(message);
    const answer = await waiting;
    if (answer.kind === 'scores') return this.read(answer.scores, batch.length);
    const failure = 'message' in answer ? answer.message : answer.kind;
    // A thread that still works on an old batch would answer late, or never.
    if (answer.kind !== 'failed' || answer.id < 0) await this.close();
    signal?.throwIfAborted();
    const unknown = batch.map(() => null);
    return {
      values: unknown,
      failure,
      ...(answer.kind === 'late' && { timedOut: true }),
      ...(this.judges && { correct: unknown }),
    };
  }

  /** What the module gave for a batch. Throws a `UserError` for anything but one entry for each completion. */
  private read(scores: unknown, count: number): PartScores {
    const wrong = (what: string): UserError =>
      new UserError(`reward module ${this.file} ${what}`, {
        hint: `it must give a list with a number, null for "cannot be scored", or { score, acc, pred }, for each of the ${count} completions`,
      });
    if (!Array.isArray(scores)) throw wrong(`gave ${String(scores)} instead of a list`);
    if (scores.length !== count) throw wrong(`gave ${scores.length} values for ${count} completions`);
    const entries = scores.map((entry: unknown, i) => readEntry(entry, i, wrong));
    this.judges ||= entries.some(({ correct }) => correct !== undefined);
    return {
      values: entries.map(({ value }) => value),
      ...(this.judges && {
        correct: entries.map(({ correct }) => correct ?? null),
        answers: entries.map(({ answer }) => answer),
      }),
    };
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }
}

interface Entry {
  value: number | null;
  /** Undefined: the module does not say. */
  correct?: boolean | null;
  answer?: string | undefined;
}

const entryKeys = ['score', 'acc', 'pred'];

function readEntry(entry: unknown, at: number, wrong: (what: string) => UserError): Entry {
  const value = (given: unknown, key: string): number | null => {
    if (given === null) return null;
    const number = typeof given === 'boolean' ? Number(given) : given;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
    throw wrong(`gave ${String(given)}${key === '' ? '' : ` as ${key}`} at index ${at}`);
  };
  if (typeof entry !== 'object' || entry === null) return { value: value(entry, '') };
  const given = entry as Readonly<Record<string, unknown>>;
  const other = Object.keys(given).find((key) => !entryKeys.includes(key));
  if (other !== undefined) throw wrong(`gave an object with the key ${JSON.stringify(other)} at index ${at}`);
  if (given.score === undefined) throw wrong(`gave an object without a score at index ${at}`);
  const acc = given.acc === undefined ? undefined : value(given.acc, 'acc');
  if (acc !== undefined && acc !== null && acc !== 0 && acc !== 1)
    throw wrong(`gave ${acc} as acc at index ${at}`);
  const { pred = null } = given;
  if (pred !== null && typeof pred !== 'string') throw wrong(`gave ${String(pred)} as pred at index ${at}`);
  return {
    value: value(given.score, 'score'),
    ...(acc === undefined ? {} : { correct: acc === null ? null : acc === 1 }),
    ...(pred === null ? {} : { answer: pred }),
  };
}
