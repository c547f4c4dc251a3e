/**
 * What a planned mixture costs: training steps, arithmetic, time, and bytes on disk. Pure: the designer calls it while a share moves,
 * `mix --dry-run` prints it.
 *
 * Arithmetic is that of src/core/model-flops.ts.
 *
 * Disk is what `mix` writes: 2 or 4 bytes a token, 8 an index entry, a mask of 1 byte a token where there is padding, and what
 * provenance and the token cache take, from measured runs (the constants below). Held-out documents are left out.
 */
import { formatAmount } from '../src/core/amount.ts';
import { flopsPerToken, type ModelShape } from '../src/core/model-flops.ts';
import type { MixturePlan, PlannedSource } from './plan.ts';

export { flopsPerToken, type ModelShape } from '../src/core/model-flops.ts';

export interface EstimateOptions {
  plan: MixturePlan;
  /** Training tokens (targets) of one optimizer step. */
  batchTokens: number;
  /** Decides 2 or 4 bytes a token. */
  vocabSize: number;
  model: ModelShape | undefined;
  /** Operations a second: a data sheet's, or what `measureSpeed` measured. */
  flopsPerSecond: number | undefined;
  /** Share of `flopsPerSecond` that training reaches, 0 to 1. Default `peakUtilisation`, for a data sheet's figure. */
  utilisation?: number;
  /** `mix --per-source` writes every sequence a second time. */
  perSource?: boolean;
}

interface DiskEstimate {
  shards: number;
  index: number;
  /** Loss masks; 0 where nothing is padding. */
  masks: number;
  provenance: number;
  /** Tokens of the sources, kept so that another ratio does not tokenise again; may be deleted. */
  cache: number;
  /** The copy of the tokenizer, manifest and samples. */
  other: number;
  total: number;
}

export interface RunEstimate {
  /** Optimizer steps that see every sequence once. */
  steps: number;
  sequences: number;
  /** Tokens on disk, without padding. */
  tokens: number;
  /** Tokens that training predicts: one fewer a sequence, padding apart. */
  targets: number;
  /** `undefined` without a model. */
  trainingFlops: number | undefined;
  /** `undefined` without a model or a speed. */
  seconds: number | undefined;
  diskBytes: DiskEstimate;
}

/**
 * Share of a data sheet's operations a second that well-tuned training of such models reaches: 0.38 to 0.43 for Llama 3 405B (Dubey et al.
 * 2024, table 4), 0.46 for PaLM 540B (its table 3). A small run or one card with a small batch reaches less.
 */
const peakUtilisation = 0.4;

/** Documents whose number is not known are taken to have this many tokens: web pages have 500 to 1,500. */
const tokensOfUnknownDocument = 1000;
/** Bytes of a row of provenance in Parquet, and of a document in the cache beside its tokens: with a UUID and a URL, or a short id alone (measured). */
const pageBytes = { provenance: 46, cache: 140 } as const;
const recordBytes = { provenance: 7.5, cache: 50 } as const;
/** Bytes of tokenizer.json per entry of its vocabulary, and of the manifest, the record and the samples to look at (measured). */
const tokenizerEntry = 38;
const otherFiles = 60_000;
/** Parquet's footer and the rest of what a shard file has beside it. */
const shardOverhead = 2500;
/** A unit of a source, 16 MB of text, is tokenised whole. */
const tokensOfUnit = 4e6;
/** Default of `mix --shard-tokens`. */
const shardTokens = 256e6;

export function estimateRun(options: EstimateOptions): RunEstimate {
  const { plan, batchTokens, model, flopsPerSecond, utilisation = peakUtilisation } = options;
  const positions = plan.sequences * plan.sequenceLength;
  // A padded position costs what another costs, so time is by positions.
  const trainingFlops =
    model === undefined ? undefined : positions * flopsPerToken(model, plan.sequenceLength);
  const seconds =
    trainingFlops === undefined || flopsPerSecond === undefined
      ? undefined
      : trainingFlops / (flopsPerSecond * utilisation);
  return {
    // 1e-9: a budget that is whole steps must not become one more by rounding.
    steps: Math.ceil(positions / batchTokens - 1e-9),
    sequences: plan.sequences,
    tokens: plan.totalTokens,
    targets: Math.max(0, positions - plan.paddingTokens),
    trainingFlops,
    seconds,
    diskBytes: estimateDisk(plan, options.vocabSize, options.perSource === true),
  };
}

function estimateDisk(plan: MixturePlan, vocabSize: number, perSource: boolean): DiskEstimate {
  const tokenBytes = vocabSize <= 65_536 ? 2 : 4;
  const copies = perSource ? 2 : 1;
  const stored = plan.sequences * plan.windowTokens;
  const padded = plan.packing === 'best-fit';
  const mean = meanDocument(plan);
  let [pieces, rows, cache] = [0, 0, 0];
  for (const source of plan.sources) {
    const own = piecesOf(source, plan, mean);
    pieces += own;
    rows += own * sizesOf(source).provenance;
    cache += cacheOf(source, tokenBytes, mean);
  }
  const files = Math.ceil(stored / shardTokens) * copies;
  const shards = stored * tokenBytes * copies;
  const index = pieces * 8 * copies;
  const masks = padded ? stored * copies : 0;
  const provenance = rows * copies + files * shardOverhead;
  const other = vocabSize * tokenizerEntry + otherFiles;
  const total = shards + index + masks + provenance + cache + other;
  return { shards, index, masks, provenance, cache, other, total };
}

/** Pages have long ids and URLs; records of questions mostly have neither. */
function sizesOf({ role }: PlannedSource): typeof pageBytes | typeof recordBytes {
  return role === 'web' ? pageBytes : recordBytes;
}

/** Mean tokens of a document over the sources where that is known, for the others. */
function meanDocument({ sources }: MixturePlan): number {
  let tokens = 0;
  let documents = 0;
  for (const { available } of sources) {
    if (available.tokens !== undefined && (available.documents ?? 0) > 0) {
      tokens += available.tokens;
      documents += available.documents!;
    }
  }
  return documents === 0 ? tokensOfUnknownDocument : tokens / documents;
}

function lengthOf({ available }: PlannedSource, mean: number): number {
  const { tokens, documents } = available;
  return tokens === undefined || !documents || tokens === 0 ? mean : tokens / documents;
}

/** Entries of the index. A document is one, and each edge of a sequence that falls into a document makes one more. */
function piecesOf(source: PlannedSource, plan: MixturePlan, mean: number): number {
  if (source.sequences === 0) return 0;
  // Padding is an entry too; about half of the sequences have some (measured).
  const padding = plan.packing === 'best-fit' ? source.sequences / 2 : 0;
  if (source.packed !== undefined) return source.packed.pieces + padding;
  const length = lengthOf(source, mean);
  const documents = source.achievedTokens / length;
  // Whole documents, unless one is longer than a sequence.
  if (plan.packing === 'best-fit') return documents * Math.max(1, length / plan.windowTokens) + padding;
  return documents + source.sequences * (1 - 1 / Math.max(1, length));
}

/** What is counted was tokenised and lies in the cache; of the rest what the mixture needs, by whole units. */
function cacheOf(source: PlannedSource, tokenBytes: number, mean: number): number {
  const { available, achievedTokens } = source;
  const all = available.tokens ?? achievedTokens;
  const needed = Math.min(all, achievedTokens + (achievedTokens === 0 ? 0 : tokensOfUnit));
  const tokens = available.from === 'counted' ? all : needed;
  return tokens * tokenBytes + (tokens / lengthOf(source, mean)) * sizesOf(source).cache;
}

/** What a reader of a plan wants to know of its cost, in lines of a label and a value. */
export function describeEstimate(estimate: RunEstimate): { label: string; value: string }[] {
  const { diskBytes: disk } = estimate;
  const parts = [
    `shards ${formatBytes(disk.shards)}`,
    `index ${formatBytes(disk.index)}`,
    ...(disk.masks > 0 ? [`masks ${formatBytes(disk.masks)}`] : []),
    `provenance ${formatBytes(disk.provenance)}`,
    `cache ${formatBytes(disk.cache)}`,
  ];
  return [
    { label: 'sequences', value: `${estimate.sequences}` },
    { label: 'steps', value: `${estimate.steps}` },
    {
      label: 'training',
      value: estimate.trainingFlops === undefined ? 'no model' : `${formatFlops(estimate.trainingFlops)}`,
    },
    {
      label: 'time',
      value: estimate.seconds === undefined ? 'not known' : `about ${formatDuration(estimate.seconds)}`,
    },
    { label: 'disk', value: `${formatBytes(disk.total)} (${parts.join(', ')})` },
  ];
}

/** The estimate as lines of text that stand below a plan (plan-table.ts). */
export function estimateTable(estimate: RunEstimate, options: EstimateOptions): string {
  const { model, flopsPerSecond, utilisation = peakUtilisation, batchTokens } = options;
  const notes: Record<string, string> = {
    steps: ` of ${formatAmount(batchTokens)} tokens`,
    training: model === undefined ? '' : ` for ${model.name} (${formatAmount(model.parameters)} parameters)`,
    time:
      flopsPerSecond === undefined || estimate.seconds === undefined
        ? ''
        : ` at ${formatFlops(flopsPerSecond, true)}, ${Math.round(utilisation * 100)} % of it used`,
  };
  return describeEstimate(estimate)
    .map(({ label, value }) => `${label.padEnd(10)}${value}${notes[label] ?? ''}\n`)
    .join('');
}

const durations: readonly [name: string, seconds: number, digits: number][] = [
  ['day', 86_400, 0],
  ['h', 3600, 0],
  ['min', 60, 2],
  ['s', 1, 2],
];

/** Seconds for people, in the two largest units: `0.4 s`, `3 min 20 s`, `4 h 05 min`, `12 days 3 h`, `3.2 years`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return 'not known';
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  const year = 365.25 * 86_400;
  if (seconds >= 2 * year) return `${formatSmall(seconds / year)} years`;
  const first = durations.findIndex(([, size], i) => seconds >= size || i === durations.length - 1);
  const [name, size] = durations[first]!;
  const next = durations[first + 1];
  if (next === undefined) return Math.round(seconds) === 60 ? '1 min' : `${Math.round(seconds)} s`;
  // Rounded once, in the smaller unit, so that 59.7 s never stands behind a minute as 60.
  const small = Math.round(seconds / next[1]);
  const per = size / next[1];
  const large = Math.floor(small / per);
  const rest = small % per;
  const larger = durations[first - 1];
  if (larger !== undefined && large * size >= larger[1]) return formatDuration(large * size);
  const head = `${large} ${name}${name === 'day' && large !== 1 ? 's' : ''}`;
  return rest === 0 ? head : `${head} ${String(rest).padStart(next[2], '0')} ${next[0]}`;
}

/** Bytes for people, in powers of a thousand as disks are sold: `512 B`, `3.4 GB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']);
}

/** Operations, or operations a second: `81.3 PFLOP`, `989 TFLOP/s`. */
export function formatFlops(flops: number, perSecond = false): string {
  const unit = perSecond ? 'FLOP/s' : 'FLOP';
  // Beyond these prefixes nobody reads them.
  if (flops >= 1e21)
    return `${(flops / 10 ** Math.floor(Math.log10(flops))).toFixed(1)}e${Math.floor(Math.log10(flops))} ${unit}`;
  return scaled(flops, [unit, ...['k', 'M', 'G', 'T', 'P', 'E'].map((prefix) => prefix + unit)]);
}

function scaled(value: number, units: readonly string[]): string {
  let i = 0;
  // 999.5 would be written as 1000.
  while (value >= 999.5 && i + 1 < units.length) {
    value /= 1000;
    i++;
  }
  return `${i === 0 ? Math.round(value) : formatSmall(value)} ${units[i]}`;
}

function formatSmall(value: number): string {
  return value >= 99.95 ? String(Math.round(value)) : value.toFixed(value >= 9.995 ? 1 : 2);
}
