/**
 * What `midtrain classify evaluate` found: `evaluation.json` of a model folder, and what its page shows. Plain data; thresholds and scores are
 * in the classifier's own units (probabilities, or 0 to 5 of a regressor). Rates are null where nothing was there to divide by.
 */

/** Predicted positive: a score of at least the threshold. */
export interface Confusion {
  tp: number;
  fp: number;
  fn: number;
  tn: number;
}

/** Of the positive class, of the negative class, and their mean. */
export interface Rates {
  precision: number | null;
  recall: number | null;
  f1: number | null;
  negativePrecision: number | null;
  negativeRecall: number | null;
  negativeF1: number | null;
  macroF1: number | null;
  accuracy: number | null;
}

export interface SweepPoint extends Confusion, Rates {
  threshold: number;
  /** Share of documents and of tokens that score at least the threshold. */
  keptDocuments: number;
  keptTokens: number;
}

/** Mean score and share of positives (regressors: mean annotated score) of the documents in a bin of scores. */
export interface ReliabilityBin {
  from: number;
  to: number;
  documents: number;
  meanScore: number | null;
  observed: number | null;
}

export type Distribution = 'in' | 'out' | 'all';

/** Measures of one set of documents. */
export interface MeasuredSet {
  distribution: Distribution;
  documents: number;
  positives: number;
  tokens: number;
  rocAuc: number | null;
  averagePrecision: number | null;
  /** At the chosen threshold. */
  chosen: SweepPoint;
  sweep: SweepPoint[];
  /** Every distinct score as a threshold, thinned: recall and precision. */
  curve: { threshold: number; recall: number; precision: number }[];
  bins: ReliabilityBin[];
  /** Mean gap between score and observed, weighted by documents; Brier score. Null for regressors. */
  expectedCalibrationError: number | null;
  brier: number | null;
  /** Counts of scores between edges, by class. */
  histogram: { edges: number[]; positives: number[]; negatives: number[] };
  /** Regressors: agreement with annotated scores of 0 to 5. */
  regression: RegressionMeasures | null;
}

export interface RegressionMeasures {
  documents: number;
  meanAbsoluteError: number;
  meanSquaredError: number;
  spearman: number | null;
  /** Macro F1 of int_score over the annotated scores that occur. */
  intScoreMacroF1: number;
  intScoreAccuracy: number;
}

/** A share with its 95 % Wilson interval. */
export interface ShareInterval {
  value: number;
  low: number;
  high: number;
}

export interface SourceMeasures extends Confusion {
  source: string;
  /** `all` where it is not known what the classifier was trained on. */
  distribution: Distribution;
  documents: number;
  positives: number;
  tokens: number;
  precision: ShareInterval | null;
  recall: ShareInterval | null;
  accuracy: ShareInterval;
  f1: number | null;
  meanScore: number;
}

/** An error, and how wrong it was. */
export interface WorstError {
  id: string;
  source: string;
  url: string | null;
  score: number;
  /** The beginning of the text. */
  excerpt: string;
}

export interface ThresholdChoice {
  value: number;
  /** How it was chosen. */
  by: 'given' | 'model' | 'max-f1' | 'recall' | 'precision';
  /** The recall or precision asked for. */
  target?: number;
}

export interface ClassifierEvaluation {
  version: 1;
  classifier: { name: string; kind: 'fasttext' | 'regressor'; label: string | null; sha256: string };
  positiveMin: number;
  threshold: ThresholdChoice;
  data: {
    files: { path: string; bytes: number; fingerprint: string }[];
    /** Documents that came, and those that were not measured, by reason. */
    documents: number;
    left: Record<string, number>;
    tokens: string;
  };
  /** `all` first; `in` and `out` where both occur. */
  sets: MeasuredSet[];
  sources: SourceMeasures[];
  worst: { falsePositives: WorstError[]; falseNegatives: WorstError[] };
  warnings: string[];
  versions: Record<string, string>;
}
