/** Records of the built-in generators, as a source of a mixture: the same spec gives the same records on every machine. */
import type { GeneratedData } from '../src/core/card.ts';
import { type ArithmeticDocument, type ArithmeticOptions, generateArithmetic } from './arithmetic.ts';
import { generateMiniMath, type MiniMathDocument, type MiniMathOptions } from './mini-math.ts';

export type GeneratedRecord = ArithmeticDocument | MiniMathDocument;

/**
 * Raised when a generator gives other records or problems for the same spec (test/mixtures/generated.test.ts notices): what was made from the earlier ones is then
 * not taken for what would be made now.
 */
export const generatorVersions: Readonly<Record<GeneratedData['generator'], number>> = {
  arithmetic: 1,
  'mini-math': 1,
};

/** The records of a spec, in order. */
export function generateRecords(spec: GeneratedData): Generator<GeneratedRecord> {
  const { generator, ...rest } = spec;
  // Keys that were left out must be absent, not undefined.
  const options: unknown = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined),
  );
  return generator === 'mini-math'
    ? generateMiniMath(options as MiniMathOptions)
    : generateArithmetic(options as ArithmeticOptions);
}
