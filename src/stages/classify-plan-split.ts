/**
 * Which labelled documents a classifier is trained on, and which are held out: a pure function of hashes, sources and labels.
 *
 * Whole sources are held out (out of distribution), and by hash a share of the documents of the others (in distribution). Of documents with
 * equal prepared texts one stays: a held-out source never gives a copy of what is trained on. Texts that bear both labels are left out.
 * The fate of a document depends on the seed, its text and its source, not on the order of the files.
 */
import { UserError } from '../core/errors.ts';
import { drawOf } from '../core/random.ts';
import { chooseSources, type Pair } from './classify-choose-sources.ts';

export const fates = ['train', 'in', 'out', 'duplicate', 'conflict', 'balance'] as const;
export type Fate = (typeof fates)[number];

/** The labelled documents, one entry each. */
export interface SplitRows {
  /** xxHash64 of the prepared text. */
  hashes: BigUint64Array;
  /** Index in `sources`. */
  source: Uint32Array;
  positive: Uint8Array;
  sources: readonly string[];
}

export interface SplitOptions {
  seed: number;
  /** Sources to hold out by name. */
  heldOutSources: readonly string[];
  /** About the share of the documents of each class that sources held out whole have, where none is named; 0 for none. */
  heldOutSourceShare: number;
  /** Share of the documents of the other sources. */
  heldOutShare: number;
  /** downsample: the larger class is cut to the smaller; oversample: the smaller is repeated to reach the larger. */
  balance: 'none' | 'downsample' | 'oversample';
  /** Most training documents of each class. */
  perClass: number | null;
}

export interface ClassCounts {
  positive: number;
  negative: number;
}

export interface SplitPlan {
  /** Index in `fates`, per document. */
  fate: Uint8Array;
  heldOutSources: string[];
  /** How often each document is written to the training set: 0 for what is not trained on, more than 1 by oversampling. */
  copies: Uint32Array;
  /**
   * The training documents in the order they are learnt from, as often as they are copied: shuffled by hash, since training in the order of the
   * inputs would end with one class. And the held-out ones by hash.
   */
  training: Uint32Array;
  heldOut: Uint32Array;
  /** Documents by source and fate. */
  counts: Record<string, Partial<Record<Fate, ClassCounts>>>;
  totals: Record<Fate, ClassCounts>;
}

export function planSplit(rows: SplitRows, options: SplitOptions): SplitPlan {
  const { hashes, source, positive } = rows;
  const groups = equalTexts(rows);
  const out = heldOut(rows, groups, options);
  const fate = new Uint8Array(hashes.length);
  for (const group of groups) {
    const conflict = group.some((i) => positive[i] !== positive[group[0]!]);
    // What is trained on goes before what is held out.
    const stays = group.find((i) => !out.has(source[i]!)) ?? group[0]!;
    for (const i of group) {
      if (conflict) fate[i] = fates.indexOf('conflict');
      else if (i !== stays) fate[i] = fates.indexOf('duplicate');
      else fate[i] = fates.indexOf(out.has(source[i]!) ? 'out' : 'train');
    }
  }
  holdOutShare(rows, fate, options);
  const copies = balance(rows, fate, options);
  return {
    fate,
    heldOutSources: [...out].map((i) => rows.sources[i]!).sort(),
    copies,
    ...orders(rows, fate, copies, options.seed),
    ...countFates(rows, fate),
  };
}

/** The documents by their text: one group for each, in it by name of the source, whatever the order of the files. */
function equalTexts({ hashes, source, sources }: SplitRows): Uint32Array[] {
  const order = Uint32Array.from(hashes, (_, i) => i).sort((a, b) => {
    const [x, y] = [hashes[a]!, hashes[b]!];
    if (x !== y) return x < y ? -1 : 1;
    return source[a] === source[b] ? a - b : sources[source[a]!]! < sources[source[b]!]! ? -1 : 1;
  });
  const groups: Uint32Array[] = [];
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && hashes[order[to]!] === hashes[order[from]!]) to++;
    groups.push(order.subarray(from, to));
    from = to;
  }
  return groups;
}

/** Holds out of each class the documents whose hash is below the share; where chance leaves one side without any, the nearest one. */
function holdOutShare({ hashes, positive }: SplitRows, fate: Uint8Array, options: SplitOptions): void {
  const { heldOutShare: share, seed } = options;
  if (share === 0) return;
  const cut = 2n ** 64n;
  const below = BigInt(Math.floor(share * 2 ** 53)) * (cut / 2n ** 53n);
  const [train, inside] = [fates.indexOf('train'), fates.indexOf('in')];
  for (const label of [0, 1]) {
    let documents = 0;
    let held = 0;
    let [lowest, highest] = [
      { i: -1, key: cut },
      { i: -1, key: -1n },
    ];
    for (let i = 0; i < fate.length; i++) {
      if (fate[i] !== train || positive[i] !== label) continue;
      const key = mixed(hashes[i]!, seed);
      documents++;
      if (key < lowest.key) lowest = { i, key };
      if (key > highest.key) highest = { i, key };
      if (key >= below) continue;
      fate[i] = inside;
      held++;
    }
    if (documents < 2 || share === 1) continue;
    if (held === 0) fate[lowest.i] = inside;
    if (held === documents) fate[highest.i] = train;
  }
}

/** The sources that are held out, as indices. */
function heldOut(rows: SplitRows, groups: readonly Uint32Array[], options: SplitOptions): Set<number> {
  const { sources } = rows;
  if (options.heldOutSources.length > 0) {
    return new Set(
      options.heldOutSources.map((name) => {
        const at = sources.indexOf(name);
        if (at >= 0) return at;
        throw new UserError(`--held-out-sources ${name}: no document is of that source`, {
          hint: `the sources are ${[...sources].sort().slice(0, 30).join(', ')}`,
        });
      }),
    );
  }
  if (options.heldOutSourceShare === 0) return new Set();
  const drawn = sources
    .map((name, at) => ({ name, at, draw: drawOf(options.seed, `source ${name}`) }))
    .sort((a, b) => a.draw - b.draw || (a.name < b.name ? -1 : 1));
  const counts = textsBySource(rows, groups);
  const chosen = chooseSources(
    drawn.map(({ at }) => counts[at]!),
    options.heldOutSourceShare,
  );
  return new Set(chosen.map((i) => drawn[i]!.at));
}

/** Texts of each source that bear one label, each counted once; [negative, positive]. */
function textsBySource({ source, positive, sources }: SplitRows, groups: readonly Uint32Array[]): Pair[] {
  const counts = sources.map((): Pair => [0, 0]);
  for (const group of groups) {
    const label = positive[group[0]!] as 0 | 1;
    if (group.some((i) => positive[i] !== label)) continue;
    for (const at of new Set(group.map((i) => source[i]!))) counts[at]![label]++;
  }
  return counts;
}

/** Another hash of a text's hash under the seed, uniform over 64 bits. */
function mixed(hash: bigint, seed: number): bigint {
  const mask = 0xffff_ffff_ffff_ffffn;
  let x = (hash + BigInt(seed + 1) * 0x9e37_79b9_7f4a_7c15n) & mask;
  x = ((x ^ (x >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & mask;
  x = ((x ^ (x >> 27n)) * 0x94d0_49bb_1331_11ebn) & mask;
  return x ^ (x >> 31n);
}

/** Marks what is left out of training for balance, and gives the copies of each document: of both, the lowest hashes come first. */
function balance(rows: SplitRows, fate: Uint8Array, options: SplitOptions): Uint32Array {
  const train = fates.indexOf('train');
  const keys = BigUint64Array.from(rows.hashes, (hash) => mixed(hash, options.seed + 1));
  const classes = [0, 1].map((label) => {
    const members: number[] = [];
    fate.forEach((value, i) => {
      if (value === train && rows.positive[i] === label) members.push(i);
    });
    return members.sort((a, b) => (keys[a]! < keys[b]! ? -1 : 1));
  });
  const fewest = Math.min(...classes.map(({ length }) => length));
  const most = Math.min(
    options.perClass ?? Number.POSITIVE_INFINITY,
    options.balance === 'downsample' ? fewest : Number.POSITIVE_INFINITY,
  );
  for (const members of classes) {
    if (members.length <= most) continue;
    for (const i of members.splice(most)) fate[i] = fates.indexOf('balance');
  }
  const target = Math.max(...classes.map(({ length }) => length));
  const copies = new Uint32Array(fate.length);
  for (const members of classes) {
    const size = options.balance === 'oversample' ? target : members.length;
    for (const [at, i] of members.entries()) copies[i] = Math.ceil((size - at) / members.length);
  }
  return copies;
}

function orders(
  rows: SplitRows,
  fate: Uint8Array,
  copies: Uint32Array,
  seed: number,
): Pick<SplitPlan, 'training' | 'heldOut'> {
  const entries: { row: number; key: bigint }[] = [];
  const held: number[] = [];
  for (let row = 0; row < fate.length; row++) {
    const name = fates[fate[row]!];
    if (name === 'in' || name === 'out') held.push(row);
    for (let copy = 0; copy < copies[row]!; copy++)
      entries.push({ row, key: mixed(rows.hashes[row]! ^ BigInt(copy), seed + 2) });
  }
  entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  held.sort((a, b) => (rows.hashes[a]! < rows.hashes[b]! ? -1 : 1));
  return { training: Uint32Array.from(entries, ({ row }) => row), heldOut: Uint32Array.from(held) };
}

function countFates(rows: SplitRows, fate: Uint8Array): Pick<SplitPlan, 'counts' | 'totals'> {
  const counts: SplitPlan['counts'] = {};
  const totals = Object.fromEntries(
    fates.map((name) => [name, { positive: 0, negative: 0 }]),
  ) as SplitPlan['totals'];
  for (const name of [...rows.sources].sort()) counts[name] = {};
  fate.forEach((value, i) => {
    const name = fates[value]!;
    const label = rows.positive[i] === 1 ? 'positive' : 'negative';
    const of = counts[rows.sources[rows.source[i]!]!]!;
    of[name] ??= { positive: 0, negative: 0 };
    of[name][label]++;
    totals[name][label]++;
  });
  return { counts, totals };
}
