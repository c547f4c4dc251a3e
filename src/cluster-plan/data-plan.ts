/** What a filter job over a corpus comes to: sizes and stages. */
import type { Figure } from './figure.ts';
import type { StagePlan } from './stage.ts';

export interface DataPlan {
  /** What the corpus is taken to be. */
  corpus: { documents: Figure; bytes: Figure; stored: Figure; textBytes: Figure; units: Figure };
  stages: StagePlan[];
  kept: { documents: Figure; textBytes: Figure; stored: Figure };
}

/** Documents that no rule drops. */
export interface Survivors {
  documents: Figure;
  textBytes: Figure;
}
