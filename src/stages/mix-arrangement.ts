/**
 * What every shard of a mixture holds, as plain data: who has it can write any shard, in any order, without a look at what stands before.
 *
 * The plan says how many windows each source gives; the interleaving says whose turn it is (mixtures/interleave.ts), and how often each source has
 * had its turn before a shard says where both the interleaving and each stream of windows go on. A stream begins at the last mark before (tokens/pack.ts).
 */
import { interleave } from '../../mixtures/interleave.ts';
import type { HowToPack } from '../../mixtures/packed-windows.ts';
import { sortedByName } from '../../mixtures/plan.ts';
import { fingerprint } from '../core/config.ts';
import type { StreamMark } from './packable-source.ts';
import type { PreparedMix } from './prepare-mix.ts';
import type { WindowPlace } from './source-windows.ts';

export interface ArrangedSource {
  name: string;
  /** Changes with its tokens and their order. */
  key: string;
  /** What its documents are packed for. */
  targetTokens: number;
  /** Windows that it gives. */
  sequences: number;
  marks: StreamMark[];
}

export interface MixArrangement extends HowToPack {
  /** Of the mixture: everything that decides its bytes. */
  key: string;
  /** In the plan's order. */
  sources: ArrangedSource[];
  sequencesPerShard: number;
  perSource: boolean;
  /** Before each of `shards/`: how many windows of each source come before it. */
  starts: number[][];
}

export interface MixShard {
  /** Its path under the output folder, without `.ds`: `shards/00003`, `per-source/web/00000`. */
  id: string;
  sequences: number;
  /** The source of all of it; undefined: the sources take turns. */
  source: number | undefined;
  /** Windows of each source that stand before it. */
  start: number[];
}

/** The arrangement of a planned mixture. `key`: of the mixture. Goes once through the order of all its sequences. */
export function arrange(
  { plan, marks, sources }: Pick<PreparedMix, 'plan' | 'marks' | 'sources'>,
  key: string,
  { shardTokens, perSource }: { shardTokens?: number | undefined; perSource?: boolean | undefined },
): MixArrangement {
  const { packing, windowTokens, seed } = plan;
  const arranged: MixArrangement = {
    key,
    packing,
    windowTokens,
    seed,
    sources: plan.sources.map(({ name, targetTokens, sequences }, i) => ({
      name,
      key: sources[i]!.tokens.key,
      targetTokens,
      sequences,
      marks: marks[i]!,
    })),
    sequencesPerShard: Math.max(1, Math.floor((shardTokens ?? 256e6) / windowTokens)),
    perSource: perSource === true,
    starts: [],
  };
  const given = plan.sources.map(() => 0);
  let sequence = 0;
  for (const i of turns(arranged, given)) {
    if (sequence++ % arranged.sequencesPerShard === 0) arranged.starts.push([...given]);
    given[i]!++;
  }
  return arranged;
}

/** All shards, in the order in which a manifest lists them. */
export function shardsOf(arrangement: MixArrangement): MixShard[] {
  const { sources, sequencesPerShard, starts, perSource } = arrangement;
  const none = sources.map(() => 0);
  const shards = starts.map((start, n) => ({
    id: `shards/${numbered(n)}`,
    sequences: Math.min(sequencesPerShard, sequencesOf(arrangement) - n * sequencesPerShard),
    source: undefined as number | undefined,
    start,
  }));
  if (!perSource) return shards;
  for (const [i, { name, sequences }] of sources.entries())
    for (let n = 0; n * sequencesPerShard < sequences; n++)
      shards.push({
        id: `per-source/${name}/${numbered(n)}`,
        sequences: Math.min(sequencesPerShard, sequences - n * sequencesPerShard),
        source: i,
        start: none.with(i, n * sequencesPerShard),
      });
  return shards;
}

/** Changes with what a shard holds. */
export function shardKey({ key }: MixArrangement, shard: MixShard): string {
  return fingerprint([key, shard]);
}

/** The source of each sequence of a shard, by its place in the plan. */
export function* turnsOf(
  arrangement: MixArrangement,
  { source, sequences, start }: MixShard,
): Generator<number> {
  if (source !== undefined) {
    for (let n = 0; n < sequences; n++) yield source;
    return;
  }
  let n = 0;
  for (const i of turns(arrangement, start)) {
    yield i;
    if (++n === sequences) return;
  }
}

/** Which window of which source a sequence of the mixture is. */
export function sequenceAt(
  arrangement: MixArrangement,
  sequence: number,
): { source: number; window: number } {
  const { starts, sequencesPerShard } = arrangement;
  const start = [...starts[Math.floor(sequence / sequencesPerShard)]!];
  let left = sequence % sequencesPerShard;
  for (const i of turns(arrangement, start)) {
    if (left-- === 0) return { source: i, window: start[i]! };
    start[i]!++;
  }
  throw new RangeError(`there is no sequence ${sequence}`);
}

/** Sequences of the mixture. */
export function sequencesOf({ sources }: MixArrangement): number {
  return sources.reduce((sum, { sequences }) => sum + sequences, 0);
}

/** Where to begin for window `window` of a source: with the last mark that is not behind it. */
export function placeOf({ marks }: ArrangedSource, window: number): WindowPlace {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks[middle]!.window <= window) low = middle + 1;
    else high = middle;
  }
  return { window, mark: marks[low - 1] };
}

/** Places in the plan, in output order, from where `given` says on. In the order of names: the order in which a recipe lists its sources decides nothing. */
function* turns({ sources }: MixArrangement, given: readonly number[]): Generator<number> {
  const places = sortedByName(sources.map(({ name }, i) => ({ name, i }))).map(({ i }) => i);
  const counts = places.map((i) => sources[i]!.sequences);
  for (const k of interleave(
    counts,
    places.map((i) => given[i]!),
  ))
    yield places[k]!;
}

function numbered(n: number): string {
  return String(n).padStart(5, '0');
}
