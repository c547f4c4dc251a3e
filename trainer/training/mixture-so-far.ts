/**
 * How many tokens of each source a phase has been trained on, beside the shares its recipe asked for: told from the table that `midtrain mix`
 * writes beside every shard, sequence by sequence, so a phase stopped anywhere knows what it has seen. Counted are targets whose loss
 * counts, as in `num_tokens`; padding is in no source. Shards without a table (another tool's) have no sources to tell.
 */
import { existsSync } from 'node:fs';
import { messageOf } from '../../src/core/errors.ts';
import { ProvenanceReader } from '../../src/io/provenance-reader.ts';
import { provenancePath } from '../../src/io/token-provenance.ts';
import type { CountedRows, TokenData } from './token-data.ts';

export interface SourceSoFar {
  name: string;
  /** Of this phase. */
  tokens: number;
  /** Of all tokens of this phase. */
  share: number;
  /** The recipe's; undefined for shards without a manifest. */
  target: number | undefined;
}

export class MixtureSoFar {
  private readonly data: TokenData;
  private readonly targets: ReadonlyMap<string, number>;
  private readonly consumed: Map<string, number>;
  private readonly readers = new Map<string, ProvenanceReader | undefined>();
  private readonly warn: (text: string) => void;
  /** A table could not be read: from there on nothing is counted, rather than something wrong. */
  private broken = false;

  /** `consumed`: what a checkpoint recorded. */
  constructor(
    data: TokenData,
    targets: ReadonlyMap<string, number>,
    consumed: Readonly<Record<string, number>> | undefined,
    warn: (text: string) => void,
  ) {
    this.data = data;
    this.targets = targets;
    this.consumed = new Map(Object.entries(consumed ?? {}));
    this.warn = warn;
  }

  /** Counts the sequences `[first, first + batches)` that were just read. */
  async add(first: number, batches: readonly CountedRows[]): Promise<void> {
    if (this.broken) return;
    try {
      let index = first;
      for (const { counts } of batches) {
        const length = this.data.sequenceLength;
        for (let at = 0; at < counts.length; at += length)
          await this.addSequence(index++, counts.subarray(at, at + length));
      }
    } catch (error) {
      this.broken = true;
      this.consumed.clear();
      this.warn(`tokens by source are not counted: ${messageOf(error)}`);
    }
  }

  /** Tokens by source, for a checkpoint; undefined where nothing is counted. */
  record(): Record<string, number> | undefined {
    return this.consumed.size === 0 ? undefined : Object.fromEntries(this.consumed);
  }

  /** In the recipe's order, then as they turned up. */
  sources(): SourceSoFar[] {
    if (this.consumed.size === 0) return [];
    const total = [...this.consumed.values()].reduce((a, b) => a + b, 0);
    const names = new Set([...this.targets.keys(), ...this.consumed.keys()]);
    return [...names].map((name) => {
      const tokens = this.consumed.get(name) ?? 0;
      return { name, tokens, share: tokens / Math.max(1, total), target: this.targets.get(name) };
    });
  }

  async close(): Promise<void> {
    for (const reader of this.readers.values()) await reader?.close();
    this.readers.clear();
  }

  private async addSequence(index: number, counts: Uint8Array): Promise<void> {
    const { shard, start } = this.data.placeOf(index);
    const reader = await this.readerOf(shard.path);
    // Row i is trained to say the token behind it.
    const first = start + 1;
    for (const range of (await reader?.ranges(first, first + counts.length)) ?? []) {
      let tokens = 0;
      for (let i = range.start - first; i < range.end - first; i++) tokens += counts[i]!;
      if (tokens > 0) this.consumed.set(range.source, (this.consumed.get(range.source) ?? 0) + tokens);
    }
  }

  private async readerOf(shard: string): Promise<ProvenanceReader | undefined> {
    if (this.readers.has(shard)) return this.readers.get(shard);
    // Read in order: the shard before is done with.
    await this.close();
    const file = provenancePath(shard);
    const reader = existsSync(file) ? await ProvenanceReader.open(file) : undefined;
    this.readers.set(shard, reader);
    return reader;
  }
}
