/** A pipeline as the stages take it: names checked, presets filled in, rules in order. Plain JSON, so it can be hashed and sent to workers. */
import type { Preparation } from '../../classifiers/prepare-text.ts';
import type { Device, EncoderSettings } from '../../classifiers/regressor/encoder-settings.ts';
import type { BatchLimits } from '../../classifiers/regressor/plan-batches.ts';
import type { ScoredUnit } from '../../classifiers/scored-unit.ts';
import type { MinHashConfig } from '../dedup/minhash-config.ts';
import type { Rule } from '../filters/rule.ts';
import type { Priority } from './filter-config.ts';
import type { TransformName } from './transform-text.ts';

export interface DedupStep {
  name: 'exact' | 'url' | 'minhash';
  keep: Priority;
  minhash?: MinHashConfig;
}

interface AnyClassifier {
  name: string;
  /** A file or folder on this machine, or `column:<name>`. */
  model: string;
  gated: boolean;
}

export interface FastTextStep extends AnyClassifier {
  kind: 'fasttext';
  label: string;
  prepare: Preparation;
  newline: 'space' | 'remove';
  unit: ScoredUnit;
}

export interface RegressorStep extends AnyClassifier {
  kind: 'regressor';
  /** Null where a column has the scores. */
  encoder: EncoderSettings | null;
  /** The folder with head.safetensors; null: the checkpoint gives the score itself. */
  headFolder: string | null;
  /** Where it runs; settled when the job is planned, so that every worker and every rerun takes the same. */
  device: Exclude<Device, 'auto'>;
  batch: BatchLimits | null;
}

export type ClassifierStep = FastTextStep | RegressorStep;

export interface ResolvedFilter {
  families: string[];
  math: 'masked' | 'plain';
  maskReport: boolean;
  language: { model: string; languages: string[] };
  urlLists: string | null;
  badWords: { list: string; anywhere: boolean } | null;
  unigramCounts: string | null;
  patterns: string[];
  classifiers: ClassifierStep[];
  decontaminate: {
    ngram: number;
    numbers: 'exact' | 'same';
    action: 'drop' | 'mark';
    benchmarks: { card: string; path: string }[];
  } | null;
  rules: Rule[];
  dedup: DedupStep[];
  transform: TransformName[];
  tokenizer: string | null;
  rowGroupBytes: number;
  dropped: boolean;
  keepHtml: boolean | null;
}
