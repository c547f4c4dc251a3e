/**
 * Tokenises the sources of a mixture, unit by unit, in worker threads, only as far as each is needed.
 *
 * 1. The units of a source stand in an order that its data decides (source-units.ts). A source ends at the first unit with which its
 *    training tokens reach what the mixture needs, or at its last; units that other workers have done beyond it are not used. So the
 *    result does not depend on workers, kills, or what the cache holds.
 * 2. A unit's tokens are a file of their own in `<output>/cache/<source>-<key>.tokens/`, whole or absent; those that are there are used.
 * 3. A unit is only begun when those under way are not likely to be enough (unit-queue.ts), so little is tokenised in vain.
 *
 * A thread costs about 0.2 s, so little input is tokenised in place, one unit after the other; so it is with one worker.
 * A dry run uses the cache of the output folder where there is one, and writes nothing there.
 */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { collectGarbage } from '../core/collect-garbage.ts';
import { InterruptedError, invariant, UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { workerUrl } from '../io/worker-url.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import { type CountedSource, countedSource } from './counted-source.ts';
import { LocalPool, type PoolTask } from './local-pool.ts';
import { TokeniseProgress } from './tokenise-progress.ts';
import { toolsFor } from './tokenise-tools.ts';
import { type Heldout, type TokeniseTask, tokeniseUnit } from './tokenise-unit.ts';
import type { TokeniseWorkerData } from './tokenise-worker.ts';
import { removeOtherUnits, type SourceCache, sourceCache, tidyCaches } from './unit-cache.ts';
import { UnitProgress } from './unit-progress.ts';
import { type QueuedSource, UnitQueue, usualTokensPerByte, weightOf } from './unit-queue.ts';
import type { UnitSummary } from './unit-summary.ts';
import type { SourceUnit } from './unit-texts.ts';
import { readUnitTokens } from './unit-tokens-file.ts';

export interface TokeniseRequest {
  sources: readonly QueuedSource[];
  tokenizer: Tokenizer;
  heldout: Heldout;
  /** Training tokens that each source must have, 0 where it is not used at all; undefined: all of it. */
  needs: readonly (number | undefined)[];
  /** Run folder with the cache. */
  output: string;
  /** Folder of a dry run: then the cache is read and not written, and of other units only the index is kept, here. */
  scratch?: string | undefined;
  /** Remove nothing from the cache that was made from other data or in another way. */
  keepCaches?: boolean;
  /** The units are a part of each source, by which it is not refused for lack of text; others may be at work in the same cache. */
  part?: boolean;
  /** Where there is much to do, told what a source came to as soon as that is known; may throw to end the work there. */
  onCounted?: ((name: string, tokens: number) => void) | undefined;
  /** Default: one per core. */
  workers?: number | undefined;
  /** Input up to this size is tokenised in place. Default 8 MiB. */
  inPlaceBytes?: number;
  emit: Emit;
  signal?: AbortSignal | undefined;
  /** Once aborted, no further unit is begun; those in hand are finished. */
  drain?: AbortSignal | undefined;
}

/** One document may be as large as a batch of its file format allows, and takes seconds then. */
const stallSeconds = 120;
const workerMegabytes = 2048;
const usualInPlaceBytes = 8 << 20;

/** Sources in the order given. Throws a `UserError` when a source gives no text at all, `InterruptedError` on abort. */
export async function tokeniseSources(request: TokeniseRequest): Promise<CountedSource[]> {
  const work = new TokeniseWork(request);
  await work.begin();
  await work.run();
  return work.finish();
}

/** Tokenises units into the cache and no more: a share of the work on sources, which may be stopped by `drain` before its end. */
export async function tokeniseUnits(request: TokeniseRequest & { part: true }): Promise<void> {
  const work = new TokeniseWork(request);
  await work.begin();
  await work.run();
}

interface SourceWork {
  queue: UnitQueue;
  cache: SourceCache;
}

class TokeniseWork {
  private readonly request: TokeniseRequest;
  private readonly sources: SourceWork[];
  /** The smallest first: they are the ones that may turn out to be too small. */
  private order: readonly SourceWork[] = [];
  private readonly tasks = new Map<string, { source: SourceWork; unit: number }>();
  private readonly progress: TokeniseProgress;
  private readonly waiting = new Set<() => void>();
  /** Where units of a dry run lie that are not in the cache. */
  private readonly paths = new Map<SourceUnit, string>();
  private failure: { error: unknown } | undefined;
  private readonly told = new Set<UnitQueue>();
  private onCounted: TokeniseRequest['onCounted'];

  constructor(request: TokeniseRequest) {
    this.request = request;
    const { tokenizer, heldout, output } = request;
    this.sources = request.sources.map((prepared, i) => ({
      queue: new UnitQueue(prepared, request.needs[i], heldout.share, request.part !== true),
      cache: sourceCache(output, prepared.source, tokenizer, heldout),
    }));
    this.progress = new TokeniseProgress(
      this.sources.map(({ queue }) => queue),
      request.emit,
    );
    for (const { source } of request.sources) {
      if (source.template === 'chat' && tokenizer.chat === undefined)
        throw new UserError(
          `source ${source.name}: template chat needs a tokenizer with a chat template, and ${tokenizer.name} has none`,
          { hint: 'take another tokenizer, or template: user-assistant for this source' },
        );
    }
  }

  /** Takes what is cached already, and asks for the first units. */
  async begin(): Promise<void> {
    const { scratch, keepCaches, part } = this.request;
    const tidy = scratch === undefined && keepCaches !== true && part !== true;
    if (tidy) {
      const caches = this.sources.map(({ queue, cache }) => [queue.prepared.source.name, cache] as const);
      await tidyCaches(this.request.output, new Map(caches));
    }
    for (const { queue, cache } of this.sources) {
      if (queue.prepared.kind === 'hub') continue; // files of the Hub are fetched when needed
      if (!queue.ended) await queue.load();
      if (queue.prepared.kind === 'files' && tidy) await removeOtherUnits(cache, queue.units);
    }
  }

  async run(): Promise<void> {
    const { request, progress } = this;
    const workers = Math.max(1, request.workers ?? availableParallelism());
    progress.start();
    this.order = [...this.sources].sort((a, b) => a.queue.weight - b.queue.weight);
    const little = this.estimatedBytes() <= (request.inPlaceBytes ?? usualInPlaceBytes);
    if (!little) this.onCounted = request.onCounted;
    try {
      if (workers === 1 || little) await this.runInPlace();
      else await this.runInThreads(workers);
    } finally {
      progress.stop();
    }
    progress.end();
  }

  async finish(): Promise<CountedSource[]> {
    return this.sources.map(({ queue, cache }) =>
      countedSource(queue, (unit) => this.paths.get(unit) ?? cache.pathOf(unit), cache.key),
    );
  }

  /** Bytes that are left to tokenise, roughly. */
  private estimatedBytes(): number {
    let bytes = 0;
    for (const { queue, cache } of this.sources) {
      if (queue.ended) continue;
      const left =
        queue.units.length === 0
          ? queue.weight
          : queue.units.reduce((n, unit) => n + (existsSync(cache.pathOf(unit)) ? 0 : weightOf(unit)), 0);
      bytes += Math.min(left, (queue.need ?? Number.POSITIVE_INFINITY) / usualTokensPerByte);
    }
    return bytes;
  }

  private async runInPlace(): Promise<void> {
    const { signal, tokenizer } = this.request;
    const tools = toolsFor(tokenizer);
    const never = new AbortController().signal;
    for (;;) {
      const task = await this.next(never);
      if (task === undefined) return;
      const unit = new UnitProgress();
      const stop = (): void => unit.requestStop();
      signal?.addEventListener('abort', stop);
      this.progress.inFlight.set(task.id, unit);
      try {
        this.record(task.id, await tokeniseUnit(task.payload as TokeniseTask, tools, unit));
      } finally {
        this.progress.inFlight.delete(task.id);
        signal?.removeEventListener('abort', stop);
      }
    }
  }

  private async runInThreads(workers: number): Promise<void> {
    const { tokenizer, signal, drain } = this.request;
    // What planning left; this thread only waits from here on.
    collectGarbage({ shrink: true });
    const shared: TokeniseWorkerData = { files: tokenizer.files, name: tokenizer.name };
    const pool = new LocalPool({
      entry: workerUrl('tokenise-worker', import.meta.url),
      workers,
      stallSeconds,
      memoryMegabytes: workerMegabytes,
      signal: signal ?? new AbortController().signal,
      ...(drain === undefined ? {} : { drain }),
      shared,
    });
    this.progress.inFlight = pool.inFlight as Map<string, UnitProgress>;
    try {
      await pool.run(
        (stopped) => this.next(stopped),
        async (task, outcome) => {
          if (!outcome.ok) {
            throw new UserError(`${task.id} could not be tokenised: ${outcome.problem}`, {
              hint: 'run again: finished units are kept; with fewer --workers each has more memory',
            });
          }
          this.record(task.id, outcome.value as UnitSummary);
        },
      );
    } finally {
      await pool.close();
    }
  }

  /** The next unit to be tokenised; waits while those under way are likely to be enough. Undefined: there will be no more. */
  private async next(stopped: AbortSignal): Promise<PoolTask | undefined> {
    const { signal } = this.request;
    for (;;) {
      if (signal?.aborted) throw new InterruptedError();
      if (this.failure !== undefined) throw this.failure.error;
      if (stopped.aborted || this.request.drain?.aborted) return undefined;
      for (const source of this.order) {
        const task = this.taskOf(source);
        this.tell(source.queue);
        if (task !== undefined) return task;
        if (source.queue.wantsParcel) this.load(source.queue);
      }
      if (this.sources.every(({ queue }) => queue.ended)) {
        this.wake();
        return undefined;
      }
      invariant(this.tasks.size > 0 || this.sources.some((s) => s.queue.loading), 'some unit is under way');
      await this.change(stopped);
    }
  }

  /** A unit of the source to begin; those that are cached are taken from there. */
  private taskOf(source: SourceWork): PoolTask | undefined {
    const { queue, cache } = source;
    for (;;) {
      const i = queue.take();
      if (i === undefined) return undefined;
      const unit = queue.units[i]!;
      const cached = readUnitTokens(cache.pathOf(unit));
      if (cached !== undefined) {
        queue.record(i, cached.summary);
        continue;
      }
      const { name, template, columns, where } = queue.prepared.source;
      const task: TokeniseTask = {
        source: { name, template, columns, where },
        unit,
        heldout: this.request.heldout,
        path: cache.pathOf(unit),
      };
      const { scratch } = this.request;
      if (scratch !== undefined) {
        task.path = join(scratch, name, basename(task.path));
        task.indexOnly = true;
        this.paths.set(unit, task.path);
      }
      const id = `${name}: ${unit.id}`;
      this.tasks.set(id, { source, unit: i });
      this.progress.begun(id, queue, i);
      return { id, payload: task };
    }
  }

  private tell(queue: UnitQueue): void {
    if (!queue.ended || this.told.has(queue)) return;
    this.told.add(queue);
    this.onCounted?.(queue.prepared.source.name, queue.tokens);
  }

  private record(id: string, summary: UnitSummary): void {
    const { source, unit } = this.tasks.get(id)!;
    this.tasks.delete(id);
    source.queue.record(unit, summary);
    this.progress.done(id, summary);
    this.wake();
  }

  private load(queue: UnitQueue): void {
    void queue
      .load()
      .catch((error: unknown) => {
        this.failure ??= { error: this.request.signal?.aborted ? new InterruptedError() : error };
      })
      .finally(() => this.wake());
  }

  private change(stopped: AbortSignal): Promise<void> {
    const ends = [stopped, this.request.signal, this.request.drain];
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done);
        for (const end of ends) end?.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      for (const end of ends) end?.addEventListener('abort', done);
    });
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }
}
