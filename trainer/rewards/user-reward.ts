/**
 * A reward written by the user: a TypeScript or JavaScript module that exports
 *   (prompts: string[], completions: string[], rows: object[]) => (number | null)[] | Promise<(number | null)[]>
 * as default, or under a name given behind `#` (`./my-reward.ts#brevity`). `rows` are the problems' columns, with `question`, `expected`,
 * `truncated` and `completion_tokens` added where a problem has none of that name.
 *
 * It runs in a worker thread with a deadline for each batch. A batch that throws or runs out of time is null for every row, and counted; an
 * endless loop costs its thread, and the next batch starts another. A module that cannot be loaded, or answers with something else than
 * one number or null for each completion, ends the run with an error that names the module, the place and the value.
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

export class UserReward implements RewardPart {
  readonly name: string;
  private readonly file: string;
  private readonly exported: string;
  private readonly timeout: number;
  private worker: Worker | undefined;
  private batches = 0;

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
    const answer = await this.next(worker, () => true);
    if (answer.kind === 'ready') {
      this.worker = worker;
      return worker;
    }
    await worker.terminate();
    const why =
      answer.kind === 'unusable' ? answer.message : answer.kind === 'failed' ? answer.message : answer.kind;
    throw new UserError(`reward module ${this.file} cannot be used: ${why}`, {
      hint: 'export default (prompts, completions, rows) => numbers',
    });
  }

  /** The next message that `wanted` accepts; a thread that dies or runs out of time is a failure. */
  private next(
    worker: Worker,
    wanted: (answer: UserAnswer) => boolean,
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
      const onMessage = (answer: UserAnswer): void => {
        if (wanted(answer)) done(answer);
      };
      const onError = (error: Error): void => fail(error.message);
      const onExit = (code: number): void => fail(`it ended its thread with code ${code}`);
      const onAbort = (): void => fail('stopped');
      const timer = setTimeout(() => fail(`no answer within ${this.timeout / 1000} s`), this.timeout);
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
    const waiting = this.next(worker, (answer) => 'id' in answer && answer.id === id, signal);
    worker.postMessage(message);
    const answer = await waiting;
    if (answer.kind === 'scores') return { values: this.check(answer.scores, batch.length) };
    const failure = answer.kind === 'failed' ? answer.message : answer.kind;
    // A thread that still works on an old batch would answer late, or never.
    if (answer.kind !== 'failed' || answer.id < 0) await this.close();
    signal?.throwIfAborted();
    return { values: batch.map(() => null), failure };
  }

  private check(scores: unknown, count: number): (number | null)[] {
    const wrong = (what: string): UserError =>
      new UserError(`reward module ${this.file} ${what}`, {
        hint: `it must give a list with a number, or null for "cannot be scored", for each of the ${count} completions`,
      });
    if (!Array.isArray(scores)) throw wrong(`gave ${String(scores)} instead of a list`);
    if (scores.length !== count) throw wrong(`gave ${scores.length} values for ${count} completions`);
    return scores.map((value: unknown, i) => {
      if (value === null) return null;
      const number = typeof value === 'boolean' ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isFinite(number))
        throw wrong(`gave ${String(value)} at index ${i}`);
      return number;
    });
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }
}
