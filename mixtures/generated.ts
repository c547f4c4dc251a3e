/** Records of the built-in generators, as a source of a mixture: the same spec gives the same records on every machine. */
import type { GeneratedData } from '../src/core/card.ts';
import { type ArithmeticDocument, type ArithmeticOptions, generateArithmetic } from './arithmetic.ts';

export type GeneratedRecord = ArithmeticDocument;

/** The records of a spec, in order. */
export function generateRecords(spec: GeneratedData): Generator<GeneratedRecord> {
  const { generator: _, ...options } = spec;
  // Keys that were left out must be absent, not undefined.
  return generateArithmetic(
    Object.fromEntries(
      Object.entries(options).filter(([, value]) => value !== undefined),
    ) as unknown as ArithmeticOptions,
  );
}
