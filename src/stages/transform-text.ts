/** Changes to the text of kept documents, after all signals are measured: pure, in the order the pipeline lists them. */
import { cleanC4Lines } from '../filters/clean-c4-lines.ts';
import { maskPii } from '../filters/mask-pii.ts';
import { removeSymbolLines } from '../text/symbol-lines.ts';

/**
 * `c4-lines`: lines that C4 throws away go, end punctuation not asked for (as FineWeb ran it); `symbol-lines`: lines of symbols go;
 * `mask-pii`: e-mail addresses and public IPv4 addresses become examples.
 */
export const transformNames = ['c4-lines', 'symbol-lines', 'mask-pii'] as const;
export type TransformName = (typeof transformNames)[number];

const transforms: Record<TransformName, (text: string) => string> = {
  'c4-lines': (text) => cleanC4Lines(text, { requireEndPunctuation: false }),
  'symbol-lines': (text) => removeSymbolLines(text),
  'mask-pii': (text) => maskPii(text).text,
};

export function transformText(text: string, names: readonly TransformName[]): string {
  return names.reduce((result, name) => transforms[name](result), text);
}
