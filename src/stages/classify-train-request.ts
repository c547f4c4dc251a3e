/** What `classify train` is asked for, and the record that it leaves: types only. */
import type { FastTextTrainOptions } from '../../classifiers/fasttext/train-options.ts';
import type { ModelDescription } from '../../classifiers/model-folder.ts';
import type { Emit } from '../core/events.ts';
import type { Ledger } from '../core/ledger.ts';
import type { LabelledRequest } from './classify-labelled.ts';
import type { SplitOptions, SplitPlan } from './classify-plan-split.ts';
import type { ThresholdRule } from './classify-ranking.ts';

export interface TrainClassifierRequest {
  kind: ModelDescription['kind'];
  labelled: LabelledRequest;
  split: SplitOptions;
  /** fastText's own settings; MegaMath's where nothing is said. */
  settings: Partial<FastTextTrainOptions>;
  /** Of kind regressor. */
  regressor?: RegressorTraining | undefined;
  /** Names of the two labels in the model. */
  labels: { positive: string; negative: string };
  prepare: ModelDescription['prepare'];
  newline: ModelDescription['newline'];
  unit: ModelDescription['unit'];
  threshold: ThresholdRule;
  tokenizer: string | null;
  /** The model folder. */
  out: string;
  /** Keep the training set in fastText's line format (train.txt). */
  keepLines: boolean;
  /** Train anew where a classifier is. */
  overwrite: boolean;
  emit: Emit;
  signal?: AbortSignal | undefined;
}

/** What of a regressor's training can be set. */
export interface RegressorTraining {
  /** A folder in the Hugging Face layout with ONNX weights, or `hf://owner/name`. */
  encoder: string;
  maxLength?: number | undefined;
  prefix?: string | undefined;
  method?: 'ridge' | 'adamw' | undefined;
}

/** A line of the training set of a regressor. */
export interface RegressorLine {
  text: string;
  score: number;
}

/** `training.json`. */
export interface TrainingRecord {
  version: 1;
  kind: ModelDescription['kind'];
  settings: Record<string, unknown>;
  seed: number;
  prepare: ModelDescription['prepare'];
  newline: ModelDescription['newline'];
  unit: ModelDescription['unit'];
  labels: { positive: string; negative: string };
  positiveMin: number;
  split: Omit<SplitOptions, 'seed'>;
  data: {
    files: { path: string; bytes: number; fingerprint: string }[];
    /** Sources with documents in training. */
    sources: string[];
    heldOutSources: string[];
    /** Documents by source and fate, and in all. */
    counts: SplitPlan['counts'];
    totals: SplitPlan['totals'];
    ledger: Ledger;
    /** Of the training set in fastText's line format. */
    linesSha256: string;
  };
  result: Record<string, number>;
  versions: Record<string, string>;
}
