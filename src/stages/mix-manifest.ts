/**
 * What a mixture writes about itself. `manifest.json` says what was asked for and what came out, source by source, with a checksum of
 * every file; it holds no time and no path of the machine, so that equal mixtures have equal manifests. The summary is the same for
 * `run.json`, which reports read.
 */
import type { PlannedSource } from '../../mixtures/plan.ts';
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
  achievedTokens: number;
  sequences: number;
  /** Training tokens and documents of one pass. */
  availableTokens: number;
  documents: number;
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
  totalTokens: number;
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
  'pieces of documents end at the entries of .ds.index';

export function summaryOf(mixed: PreparedMix): MixSummary {
  const { plan, tokenizer } = mixed;
  return {
    sources: plan.sources.map((source, i) => sourceSummary(source, mixed.sources[i]!)),
    totalTokens: plan.totalTokens,
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
      .filter((source) => source.heldout.length > 0)
      .map((source) => ({
        name: source.name,
        documents: source.heldout.length,
        tokens: source.heldoutTokens,
        sequences: Math.floor(source.heldoutTokens / plan.windowTokens),
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
    license: source.resolved.card?.license ?? null,
    template: planned.available.template,
    templateEvidence: planned.available.templateEvidence,
    weight: planned.requestedShare,
    evidence: planned.evidence,
    note: planned.note ?? null,
    requestedShare: planned.requestedShare,
    requestedTokens: planned.requestedTokens,
    achievedShare: planned.achievedShare,
    achievedTokens: planned.achievedTokens,
    sequences: planned.sequences,
    availableTokens: source.trainTokens,
    documents: source.train.length,
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

export function manifestOf(mixed: PreparedMix, key: string, files: WrittenFile[]): MixManifest {
  return { version: 1, name: mixed.plan.name, key, layout, ...summaryOf(mixed), files };
}
