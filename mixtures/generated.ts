/** Records of the built-in generators, as a source of a mixture: the same spec gives the same records on every machine. */
import type { GeneratedData } from '../src/core/card.ts';
import { type ArithmeticDocument, generateArithmetic } from './arithmetic.ts';

export type GeneratedRecord = ArithmeticDocument;

/** The records of a spec, in order. */
export function generateRecords(spec: GeneratedData): Generator<GeneratedRecord> {
  const { kind, count, seed } = spec;
  return generateArithmetic({ kind, count, seed });
}
