/**
 * The ways in which attention may be computed, as data: `AttentionVariant` says how work is cut, generate.ts writes the WGSL of it.
 *
 * Every variant walks the other rows of a row in a fixed order, without atomics, so its bits do not depend on how many rows there are.
 * Variants differ from each other in the last bits (they group sums differently), so a run records those it used (trainer/gpu/tuning.ts).
 */
import type { Scalars } from '../kernel.ts';
import type { AdapterTraits } from '../matmul/variant.ts';

/** o and its log-sum-exp; dq; dk and dv. */
export const attentionOps = ['forward', 'query', 'key-value'] as const;
export type AttentionOp = (typeof attentionOps)[number];

/** One row a thread, which reads every row of the other side itself: the `.wgsl` files beside this one. Any adapter. */
export interface ThreadVariant {
  readonly kind: 'thread';
}

/**
 * A workgroup is one subgroup of `lanes` threads; a thread owns `rows` rows. Of the other side `others` rows a turn are read by all lanes
 * together, each a part, and passed round by subgroupBroadcast: for adapters where reading memory costs far more than arithmetic.
 */
export interface SubgroupVariant {
  readonly kind: 'subgroup';
  readonly rows: number;
  readonly others: number;
  readonly lanes: number;
}

/**
 * A workgroup of `across` x `down` threads owns `own` rows and stages `others` rows of the other side in workgroup memory, `depth` channels
 * at a time; a thread computes (own / down) x (others / across) scores: flash attention as GPUs want it.
 */
export interface TileVariant {
  readonly kind: 'tile';
  readonly own: number;
  readonly others: number;
  readonly depth: number;
  readonly across: number;
  readonly down: number;
}

export type AttentionVariant = ThreadVariant | SubgroupVariant | TileVariant;

/** The variant that runs everywhere. */
export const threadVariant: ThreadVariant = { kind: 'thread' };

/** A short name, as it stands in tables, run.json and checkpoints: `thread`, `subgroup-2x4-8`, `tile-32x32x32-8x8`. */
export function attentionVariantName(v: AttentionVariant): string {
  if (v.kind === 'thread') return 'thread';
  if (v.kind === 'subgroup') return `subgroup-${v.rows}x${v.others}-${v.lanes}`;
  return `tile-${v.own}x${v.others}x${v.depth}-${v.across}x${v.down}`;
}

/** The variant of a name; undefined for what is none, or is one that the generator could not write. */
export function parseAttentionVariant(name: string): AttentionVariant | undefined {
  if (name === 'thread') return threadVariant;
  const [, kind, sizes] = /^(subgroup|tile)-([0-9x-]+)$/.exec(name) ?? [];
  const numbers = (sizes ?? '').split(/[x-]/).map(Number);
  if (numbers.some((n) => !Number.isInteger(n) || n < 1 || n > 256)) return undefined;
  const [a, b, c, d, e] = numbers as [number, number, number, number, number];
  const variant: AttentionVariant | undefined =
    kind === 'subgroup'
      ? { kind, rows: a, others: b, lanes: c }
      : kind === 'tile'
        ? { kind, own: a, others: b, depth: c, across: d, down: e }
        : undefined;
  return variant !== undefined && attentionVariantName(variant) === name && isSound(variant)
    ? variant
    : undefined;
}

function isSound(v: SubgroupVariant | TileVariant): boolean {
  if (v.kind === 'subgroup') return v.others % 4 === 0 && v.lanes % v.others === 0 && v.rows <= 8;
  return (
    v.own % v.down === 0 &&
    v.others % v.across === 0 &&
    v.others % 4 === 0 &&
    v.depth % (4 * v.across) === 0 &&
    (v.own / v.down) * (v.others / v.across) <= 64
  );
}

/** Bytes of workgroup memory: a block of each side, its rows an odd number of vec4s long, the block's weights, and a number a thread. */
export function tileBytes(v: TileVariant): number {
  const pitch = v.depth / 4 + ((v.depth / 4 + 1) % 2);
  return 16 * pitch * (v.own + v.others) + 4 * v.own * (v.others + 1 + v.across);
}

/** Whether an adapter can run a variant at all. */
export function canRunAttention(v: AttentionVariant, traits: AdapterTraits): boolean {
  if (v.kind === 'thread') return true;
  if (v.kind === 'subgroup') return v.lanes === traits.subgroupSize;
  return tileBytes(v) <= traits.workgroupBytes && v.across * v.down <= traits.workgroupThreads;
}

/** Whether a variant can compute heads of this size: channels are dealt out in whole vec4s. */
export function fitsAttention(v: AttentionVariant, s: Scalars): boolean {
  if (v.kind === 'thread') return true;
  if (v.kind === 'subgroup') return (s.head_dim! / 4) % (v.lanes / v.others) === 0;
  return s.head_dim! % v.depth === 0;
}

/** Rows of the own side that a workgroup covers. */
function ownRows(v: AttentionVariant): number {
  if (v.kind === 'thread') return 8;
  return v.kind === 'subgroup' ? v.rows * v.lanes : v.own;
}

/** Workgroups for an op. */
export function attentionWorkgroups(
  v: AttentionVariant,
  op: AttentionOp,
  s: Scalars,
): [number, number, number] {
  return [Math.ceil(s.seq! / ownRows(v)), op === 'key-value' ? s.kv_heads! : s.heads!, s.batch!];
}

/** The variants worth measuring on an adapter for heads of this size, the one that runs everywhere first. */
export function attentionCandidates(traits: AdapterTraits, op: AttentionOp, s: Scalars): AttentionVariant[] {
  const list: AttentionVariant[] = [threadVariant];
  const tile = (own: number, others: number, depth: number, across: number, down: number) =>
    list.push({ kind: 'tile', own, others, depth, across, down });
  if (traits.software) {
    const usual = subgroupVariant(traits, op, s);
    list.push(usual);
    if (s.head_dim! <= 32) list.push({ ...usual, rows: 2 * usual.rows });
  } else {
    tile(16, 16, 16, 4, 8);
    tile(32, 32, 32, 8, 8);
    tile(32, 32, 64, 8, 8);
    tile(64, 32, 32, 8, 16);
    tile(64, 64, 32, 8, 16);
    tile(32, 32, 16, 4, 16);
  }
  return list.filter((v) => canRunAttention(v, traits) && fitsAttention(v, s));
}

/**
 * Two rows a thread where heads are small: more of them would be faster (4 x 4 forward by a fifth at 64 channels), but the text grows with
 * rows and channels, and Mesa takes longer than in proportion to compile it (EXPERIMENTS.md).
 */
function subgroupVariant(traits: AdapterTraits, op: AttentionOp, s: Scalars): SubgroupVariant {
  const rows = s.head_dim! <= (op === 'forward' ? 64 : 32) ? 2 : 1;
  return { kind: 'subgroup', rows, others: 4, lanes: traits.subgroupSize ?? 0 };
}

/**
 * The variant to take where nothing was measured: a pure function of the adapter and the sizes. Subgroups on software adapters, where they
 * won at every size tried (EXPERIMENTS.md); on a GPU, where nothing could be measured here, the tile that fits the least memory asked for.
 */
export function defaultAttention(traits: AdapterTraits, op: AttentionOp, s: Scalars): AttentionVariant {
  const choices: AttentionVariant[] = traits.software
    ? [subgroupVariant(traits, op, s)]
    : [
        { kind: 'tile', own: 32, others: 32, depth: 32, across: 8, down: 8 },
        { kind: 'tile', own: 16, others: 16, depth: 16, across: 4, down: 8 },
      ];
  return choices.find((v) => canRunAttention(v, traits) && fitsAttention(v, s)) ?? threadVariant;
}
