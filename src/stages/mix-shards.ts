/**
 * Writes shards of a mixture, any of them in any order. Streams of windows stay open from shard to shard, so shards that follow each other are
 * written as one run; for any other a stream begins anew at the mark before. Of a source one document is held.
 */
import { collectGarbage } from '../core/collect-garbage.ts';
import { InterruptedError, invariant } from '../core/errors.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import { type MixArrangement, type MixShard, placeOf, turnsOf } from './mix-arrangement.ts';
import type { WrittenFile } from './mix-manifest.ts';
import { ShardFile } from './shard-file.ts';
import { type ShardMarker, writeShardMarker } from './shard-marker.ts';
import type { SourceTokens } from './source-tokens.ts';
import { type SourceWindow, sourceWindows } from './source-windows.ts';

/** A few seconds of writing. */
const collectAfterTokens = 1 << 23;

export class MixShards {
  private readonly output: string;
  private readonly arrangement: MixArrangement;
  private readonly sources: readonly SourceTokens[];
  private readonly tokenizer: Tokenizer;
  /** By source: its open stream, and the window that it gives next. */
  private readonly streams = new Map<number, { window: number; stream: Generator<SourceWindow> }>();
  private sinceCollected = 0;

  /** `sources` in the order of the arrangement's. */
  constructor(
    output: string,
    arrangement: MixArrangement,
    sources: readonly SourceTokens[],
    tokenizer: Tokenizer,
  ) {
    for (const [i, { name, key }] of arrangement.sources.entries())
      invariant(sources[i]!.key === key, `the tokens of ${name} are those that the mixture was arranged for`);
    this.output = output;
    this.arrangement = arrangement;
    this.sources = sources;
    this.tokenizer = tokenizer;
  }

  /**
   * Writes a shard, all of its files and then its marker. `onSequence`: called after each. Throws an `InterruptedError` when `signal` is aborted, with
   * nothing of the shard in place.
   */
  async write(
    shard: MixShard,
    { signal, onSequence }: { signal?: AbortSignal | undefined; onSequence?: () => void } = {},
  ): Promise<ShardMarker> {
    const { sources, packing, windowTokens } = this.arrangement;
    const file = new ShardFile(this.output, shard.id, this.tokenizer, { padded: packing === 'best-fit' });
    const written = sources.map(() => ({ tokens: 0, padding: 0 }));
    const next = [...shard.start];
    const collectAfter = Math.ceil(collectAfterTokens / windowTokens);
    let files: WrittenFile[];
    try {
      for (const i of turnsOf(this.arrangement, shard)) {
        if (signal?.aborted) throw new InterruptedError();
        const window = this.window(i, next[i]!++);
        await file.add(window, sources[i]!.name);
        const counts = written[i]!;
        for (const { tokens } of window.pieces) counts.tokens += tokens.length;
        counts.padding += window.padding;
        onSequence?.();
        if (++this.sinceCollected % collectAfter === 0) collectGarbage({ shrink: true });
      }
      files = await file.finish();
    } catch (error) {
      await file.abort();
      throw error;
    }
    const marker = { files, written };
    await writeShardMarker(this.output, this.arrangement, shard, marker);
    return marker;
  }

  /** Window `n` of source `i` of the arrangement; those of a source one after the other cost no more than to read them. */
  window(i: number, n: number): SourceWindow {
    const source = this.arrangement.sources[i]!;
    let open = this.streams.get(i);
    if (open?.window !== n) {
      const stream = sourceWindows(this.sources[i]!, this.arrangement, source, placeOf(source, n));
      open = { window: n, stream };
      this.streams.set(i, open);
    }
    const { done, value } = open.stream.next();
    invariant(done !== true, `source ${source.name} ran dry`);
    open.window++;
    return value;
  }
}
