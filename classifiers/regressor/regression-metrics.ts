/** How good scores are against labels from 0 to 5, in the measures that FineWeb-Edu and FineMath are judged by. */
import { intScore } from './int-score.ts';

export interface RegressionMetrics {
  rows: number;
  mse: number;
  /** Mean of the F1 of each int_score that occurs among labels or predictions (scikit-learn `f1_score(average='macro')`). */
  macroF1: number;
  /** Share of rows whose int_score is the label's. */
  accuracy: number;
  /** Of "int_score >= 3" against labels of at least 3, the cut of FineWeb-Edu and FineMath-3+; NaN where neither occurs. */
  f1At3: number;
}

/** `scores[i]` belongs to `targets[i]`. */
export function regressionMetrics(scores: ArrayLike<number>, targets: ArrayLike<number>): RegressionMetrics {
  const rows = scores.length;
  let squares = 0;
  const table = new Float64Array(36);
  for (let i = 0; i < rows; i++) {
    squares += (scores[i]! - targets[i]!) ** 2;
    table[6 * intScore(targets[i]!) + intScore(scores[i]!)]!++;
  }
  const count = (wanted: (label: number, predicted: number) => boolean): number => {
    let sum = 0;
    for (let label = 0; label < 6; label++)
      for (let predicted = 0; predicted < 6; predicted++)
        if (wanted(label, predicted)) sum += table[6 * label + predicted]!;
    return sum;
  };
  const f1: number[] = [];
  for (let c = 0; c < 6; c++) {
    const both = count((label, predicted) => label === c && predicted === c);
    const either = count((label) => label === c) + count((_, predicted) => predicted === c);
    if (either > 0) f1.push((2 * both) / either);
  }
  const above = count((label, predicted) => label >= 3 && predicted >= 3);
  const marked = count((label) => label >= 3) + count((_, predicted) => predicted >= 3);
  return {
    rows,
    mse: squares / rows,
    macroF1: f1.reduce((sum, value) => sum + value, 0) / f1.length,
    accuracy: count((label, predicted) => label === predicted) / rows,
    f1At3: marked === 0 ? Number.NaN : (2 * above) / marked,
  };
}
