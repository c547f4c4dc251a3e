/**
 * Token shards as training sequences. A sequence is a window of sequenceLength + 1 tokens (inputs and shifted targets), windows do not
 * overlap and the tail is dropped, as nanotron reads datatrove's .ds files. The mixture has ordered and interleaved them already, so they
 * are read in order; after the last comes the first again (an epoch). The position is part of the checkpoint.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fingerprint } from '../../src/core/config.ts';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import { openTokenShard, type TokenShard } from '../../src/io/token-shard.ts';
import type { Rows } from '../learner/learner.ts';

export interface DataPosition {
  /** Sequences handed out since the start, over all epochs. */
  sequence: number;
}

/** Rows whose targets may be masked out of the loss. */
export interface CountedRows extends Rows {
  counts: Uint8Array;
}

export class TokenData {
  readonly sequences: number;
  readonly sequenceLength: number;
  readonly fingerprint: string;
  private readonly content: string | null;
  private readonly shards: readonly TokenShard[];
  /** First sequence of each shard. */
  private readonly firsts: readonly number[];

  /** `content` tells the data apart where names and sizes of shards do not: the key of a mixture's manifest. */
  constructor(
    shards: readonly TokenShard[],
    sequenceLength: number,
    what: string,
    content: string | null = null,
  ) {
    this.shards = shards;
    this.sequenceLength = sequenceLength;
    const firsts: number[] = [];
    let total = 0;
    for (const shard of shards) {
      firsts.push(total);
      total += Math.floor(shard.tokenCount / (sequenceLength + 1));
    }
    if (total === 0) {
      throw new UserError(`${what}: no sequence of ${sequenceLength} + 1 tokens in ${shards.length} shards`, {
        hint: 'lower sequence_length or mix more tokens',
      });
    }
    this.firsts = firsts;
    this.sequences = total;
    this.content = content;
    this.fingerprint = this.fingerprintAt(sequenceLength);
  }

  /** What the fingerprint of the same tokens is when they are read in sequences of another length. */
  fingerprintAt(sequenceLength: number): string {
    return fingerprint({
      sequenceLength,
      shards: this.shards.map((s) => [path.basename(s.path), s.tokenCount]),
      ...(this.content === null ? {} : { content: this.content }),
    });
  }

  /** Where sequence `index` (modulo an epoch) begins. */
  placeOf(index: number): { shard: TokenShard; start: number } {
    const at = index % this.sequences;
    let s = this.firsts.findLastIndex((first) => first <= at);
    // A shard without a whole sequence shares its first with the next; the last such is the one that holds it.
    while (s > 0 && Math.floor(this.shards[s]!.tokenCount / (this.sequenceLength + 1)) === 0) s--;
    return { shard: this.shards[s]!, start: (at - this.firsts[s]!) * (this.sequenceLength + 1) };
  }

  /** Tokens of sequence `index` (modulo an epoch), sequenceLength + 1 of them, and the first position each may attend to. */
  async window(
    index: number,
    documentMask: boolean,
  ): Promise<{ tokens: Uint32Array; loss: Uint8Array; kvStart: Uint32Array; positions: Uint32Array }> {
    const { shard, start } = this.placeOf(index);
    const tokens = await shard.read(start, this.sequenceLength + 1);
    const loss = await shard.readLoss(start, this.sequenceLength + 1);
    const kvStart = new Uint32Array(this.sequenceLength);
    const positions = Uint32Array.from({ length: this.sequenceLength }, (_, i) => i);
    if (documentMask) {
      let begin = 0;
      let next = firstAbove(shard.documentEnds, start);
      for (let i = 0; i < this.sequenceLength; i++) {
        if (next < shard.documentEnds.length && start + i >= Number(shard.documentEnds[next]!)) {
          begin = i;
          while (next < shard.documentEnds.length && start + i >= Number(shard.documentEnds[next]!)) next++;
        }
        kvStart[i] = begin;
        positions[i] = i - begin;
      }
    }
    return { tokens, loss, kvStart, positions };
  }

  /** A micro-batch of `count` sequences from `position` on; `counts` is 1 for every target that the shard's loss mask lets count. */
  async rows(position: number, count: number, documentMask: boolean): Promise<CountedRows> {
    const n = this.sequenceLength;
    const rows: CountedRows = {
      tokens: new Uint32Array(count * n),
      targets: new Uint32Array(count * n),
      positions: new Uint32Array(count * n),
      kvStart: new Uint32Array(count * n),
      counts: new Uint8Array(count * n),
    };
    for (let i = 0; i < count; i++) {
      const { tokens, loss, kvStart, positions } = await this.window(position + i, documentMask);
      rows.tokens.set(tokens.subarray(0, n), i * n);
      rows.targets.set(tokens.subarray(1), i * n);
      rows.counts.set(loss.subarray(1), i * n);
      rows.positions.set(positions, i * n);
      rows.kvStart.set(kvStart, i * n);
    }
    return rows;
  }

  async close(): Promise<void> {
    for (const shard of this.shards) await shard.close();
  }
}

/** Index of the first document end greater than `token`. */
function firstAbove(ends: ArrayLike<number | bigint>, token: number): number {
  let lo = 0;
  let hi = ends.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (Number(ends[mid]!) > token) hi = mid;
    else lo = mid + 1;
  }
  return lo;
}

function shardFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ds'))
    .sort()
    .map((name) => path.join(folder, name));
}

/** The training shards of a mix run folder. */
export async function openTrainingData(folder: string, sequenceLength: number): Promise<TokenData> {
  const files = shardFiles(path.join(folder, 'shards'));
  if (files.length === 0) {
    throw new InputError(folder, existsSync(folder) ? 'has no shards/*.ds' : 'there is no such folder', {
      hint: 'give the folder that `midtrain mix` wrote',
    });
  }
  const shards = await Promise.all(files.map((file) => openTokenShard(file)));
  return new TokenData(shards, sequenceLength, folder, mixtureOf(folder)?.key ?? null);
}

export interface MixtureFacts {
  /** Fingerprint of its content. */
  key: string;
  sequenceLength: number;
  /** The share that the recipe asked for, by source; empty where the manifest does not say. */
  shares: ReadonlyMap<string, number>;
}

/** What the manifest of a mixture says of its content and of the sequences it was packed for; undefined for shards from elsewhere. */
export function mixtureOf(folder: string): MixtureFacts | undefined {
  const file = path.join(folder, 'manifest.json');
  if (!existsSync(file)) return undefined;
  let manifest: Record<string, unknown>;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw new InputError(file, `is not JSON: ${messageOf(cause)}`, { cause, hint: 'run midtrain mix again' });
  }
  const { key, sequenceLength, sources } = manifest;
  if (typeof key !== 'string' || typeof sequenceLength !== 'number') {
    throw new InputError(file, 'is not the manifest of a mixture: it has no key or no sequenceLength', {
      hint: 'run midtrain mix again',
    });
  }
  const shares = new Map<string, number>();
  for (const source of Array.isArray(sources) ? (sources as Record<string, unknown>[]) : []) {
    if (typeof source.name === 'string' && typeof source.requestedShare === 'number')
      shares.set(source.name, source.requestedShare);
  }
  return { key, sequenceLength, shares };
}

/** The held-out shards of a mix run folder, by source; sources too short for one sequence are left out. */
export async function openHeldoutData(
  folder: string,
  sequenceLength: number,
): Promise<Map<string, TokenData>> {
  const bySource = new Map<string, TokenData>();
  for (const file of shardFiles(path.join(folder, 'heldout'))) {
    const shard = await openTokenShard(file);
    if (shard.tokenCount > sequenceLength)
      bySource.set(path.basename(file, '.ds'), new TokenData([shard], sequenceLength, file));
    else await shard.close();
  }
  return bySource;
}
