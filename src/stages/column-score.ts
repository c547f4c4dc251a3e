/** Classifier scores that the input carries already: `model: column:<name>` takes them from that column. */
import type { FamilySpec, SignalFamily } from '../filters/signal.ts';

/** The column that a model setting names, or undefined when it is a file. */
export function columnOfModel(model: string): string | undefined {
  return model.startsWith('column:') ? model.slice('column:'.length) : undefined;
}

/** Where families find the columns of the document in hand. */
export interface ColumnScores {
  columnAt: (name: string) => number;
}

export function columnFamily(spec: FamilySpec, column: string, scores: ColumnScores): SignalFamily {
  return { ...spec, measure: () => Float64Array.of(scores.columnAt(column)) };
}
