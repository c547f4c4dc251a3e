/**
 * What a mixture writes about itself. `manifest.json` says what was asked for and what came out, source by source, with a checksum of
 * every file; it holds no time and no path of the machine, so that equal mixtures have equal manifests. The summary is the same for
 * `run.json`, which reports read.
 */
import { noWindows, type PackedDocuments } from '../../mixtures/packed-windows.ts';
import type { PlannedSource } from '../../mixtures/plan.ts';
import type { Packing } from '../../mixtures/recipe.ts';
import type { Evidence } from '../core/evidence.ts';
import type { Ledger } from '../core/ledger.ts';
import type { PreparedMix } from './prepare-mix.ts';

/** A file relative to the output folder. */
export interface WrittenFile {
  path: string;
  bytes: number;
  sha256: string;
  /** Tokens, for `.ds` files. */
  tokens?: number;
}

export interface SourceSummary {
  name: string;
  role: string;
  card: string | null;
  license: string | null;
  template: string;
  templateEvidence: Evidence;
  /** The share asked for, and how well that figure is known. */
  weight: number;
  evidence: Evidence;
  note: string | null;
  requestedShare: number;
  requestedTokens: number;
  achievedShare: number;
  /** Without padding. */
  achievedTokens: number;
  paddingTokens: number;
  sequences: number;
  /** What the packer made of its documents: read (twice if read twice), not whole in one sequence, pieces of all. */
  packed: PackedDocuments;
  /** Training tokens and documents of one pass. */
  availableTokens: number;
  documents: number;
  /** Share of the source's bytes that was tokenised; the sizes above are of that part. */
  readShare: number;
  repeats: number;
  repeatLimit: number;
  ledger: Ledger;
  inputs: { name: string; bytes: number; fingerprint: string }[];
}

export interface HeldoutSummary {
  name: string;
  documents: number;
  tokens: number;
  /** Windows of sequenceLength + 1 tokens that evaluation can read. */
  sequences: number;
  /** Shard, relative to the output folder. */
  file: string;
}

export interface MixSummary {
  sources: SourceSummary[];
  packing: Packing;
  /** Without padding: totalTokens + paddingTokens = sequences * windowTokens. */
  totalTokens: number;
  paddingTokens: number;
  budget: number | null;
  sequenceLength: number;
  windowTokens: number;
  sequences: number;
  seed: number;
  qaShare: number;
  longCotShare: number;
  instructionShare: number;
  warnings: string[];
  heldout: HeldoutSummary[];
  tokenizer: { name: string; fingerprint: string; vocabSize: number; kind: string; eosId: number };
}

export interface MixManifest extends MixSummary {
  version: 1;
  name: string;
  /** Fingerprint of all that decides the bytes. */
  key: string;
  layout: string;
  files: WrittenFile[];
}

const layout =
  'shards/*.ds in training order; every sequence of sequenceLength + 1 tokens is of one source and starts at a multiple of that length; ' +
  'pieces of documents end at the entries of .ds.index, and *.provenance.parquet says where each is from; padding is an entry of its own ' +
  'at the end of a sequence, with loss 0 in .ds.loss and no provenance; heldout/*.ds has whole documents that are in no sequence; ' +
  'per-source/*/*.ds has the sequences again, by source';

export function summaryOf(mixed: PreparedMix): MixSummary {
  const { plan, tokenizer } = mixed;
  return {
    sources: plan.sources.map((source, i) => sourceSummary(source, mixed.sources[i]!)),
    packing: plan.packing,
    totalTokens: plan.totalTokens,
    paddingTokens: plan.paddingTokens,
    budget: plan.budget ?? null,
    sequenceLength: plan.sequenceLength,
    windowTokens: plan.windowTokens,
    sequences: plan.sequences,
    seed: plan.seed,
    qaShare: plan.shares.qa,
    longCotShare: plan.shares.longCot,
    instructionShare: plan.shares.instruction,
    warnings: plan.warnings,
    heldout: mixed.sources
      .filter((source) => source.tokens.heldout.documents > 0)
      .map((source) => ({
        name: source.name,
        documents: source.tokens.heldout.documents,
        tokens: source.tokens.heldout.tokens,
        sequences: Math.floor(source.tokens.heldout.tokens / plan.windowTokens),
        file: `heldout/${source.name}.ds`,
      })),
    tokenizer: {
      name: tokenizer.name,
      fingerprint: tokenizer.fingerprint,
      vocabSize: tokenizer.vocabSize,
      kind: tokenizer.kind,
      eosId: tokenizer.eosId!,
    },
  };
}

function sourceSummary(planned: PlannedSource, source: PreparedMix['sources'][number]): SourceSummary {
  return {
    name: planned.name,
    role: planned.role,
    card: planned.card ?? null,
    license: source.resolved.license ?? null,
    template: planned.available.template,
    templateEvidence: planned.available.templateEvidence,
    weight: planned.requestedShare,
    evidence: planned.evidence,
    note: planned.note ?? null,
    requestedShare: planned.requestedShare,
    requestedTokens: planned.requestedTokens,
    achievedShare: planned.achievedShare,
    achievedTokens: planned.achievedTokens,
    paddingTokens: planned.paddingTokens,
    sequences: planned.sequences,
    packed: packedOf(planned),
    availableTokens: source.tokens.tokens,
    documents: source.tokens.documents,
    readShare: planned.available.readShare ?? 1,
    repeats: planned.repeats ?? 0,
    repeatLimit: planned.repeatLimit,
    ledger: source.ledger,
    inputs: source.inputs.map(({ path, bytes, fingerprint }) => ({
      name: path.replace(/^.*[\\/]/, ''),
      bytes,
      fingerprint,
    })),
  };
}

function packedOf({ packed }: PlannedSource): PackedDocuments {
  const { documents, cut, pieces } = packed ?? noWindows;
  return { documents, cut, pieces };
}

export function manifestOf(mixed: PreparedMix, key: string, files: WrittenFile[]): MixManifest {
  return { version: 1, name: mixed.plan.name, key, layout, ...summaryOf(mixed), files };
}
