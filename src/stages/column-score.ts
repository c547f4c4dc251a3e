/** Classifier scores that the input carries already: `model: column:<name>` takes them from that column. */
import { intScore } from '../../classifiers/regressor/int-score.ts';
import type { FamilySpec, SignalFamily } from '../filters/signal.ts';

/** The column that a model setting names, or undefined when it is a file. */
export function columnOfModel(model: string): string | undefined {
  return model.startsWith('column:') ? model.slice('column:'.length) : undefined;
}

/** Where families find the columns of the document in hand. */
export interface ColumnScores {
  columnAt: (name: string) => number;
}

/** `rounded`: with the int_score behind the score, as regressors have. */
export function columnFamily(
  spec: FamilySpec,
  column: string,
  scores: ColumnScores,
  rounded: boolean,
): SignalFamily {
  return {
    ...spec,
    measure: () => {
      const score = scores.columnAt(column);
      return rounded ? Float64Array.of(score, intScore(score)) : Float64Array.of(score);
    },
  };
}
