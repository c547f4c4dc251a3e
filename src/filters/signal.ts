/**
 * What a signal family is: it measures a document once, and every number it finds is stored beside the document.
 *
 * Families only measure. Bounds are rules (rule.ts), kept apart, so that a threshold can be changed without reading a text
 * again. All families of a pipeline share one `MeasuredText`, whose lines, words and counts are made once.
 */
import type { MeasuredText } from '../text/measure-text.ts';
import type { HistogramScale } from './histogram.ts';

export interface SignalSpec {
  /** `family.name`: the column it is stored in and the name rules use. */
  name: string;
  description: string;
  histogram: HistogramScale;
}

/** What a family measures, known before any model or list is loaded. */
export interface FamilySpec {
  name: string;
  /** Where the rules come from. */
  source: string;
  signals: readonly SignalSpec[];
  /** Names it gives documents (the most probable language): columns of text beside the numbers. */
  labels?: readonly LabelSpec[];
}

interface LabelSpec {
  /** `family.name`: the column it is stored in. */
  name: string;
  description: string;
}

export interface SignalFamily extends FamilySpec {
  /** One value per signal, in the order of `signals`. NaN where a ratio has nothing to divide by. */
  measure(document: MeasuredText): Float64Array;
  /** One value per label, in the order of `labels`. */
  label?(document: MeasuredText): (string | null)[];
}

/** `part / whole`, NaN over nothing. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? Number.NaN : part / whole;
}
