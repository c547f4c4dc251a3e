/**
 * A figure in a recipe or data card together with how well it is known: `0.3` (the writer's own), or
 * `{ value: 0.3, evidence: summary, note: ... }`. It stays together from the YAML to the plan, the manifest and the report.
 */
import { z } from 'zod';
import { parseAmount } from './amount.ts';
import { type Evidence, evidenceTags } from './evidence.ts';

export interface Evidenced<T> {
  value: T;
  evidence: Evidence;
  note?: string | undefined;
}

/** Reads either form into the long one. */
export function evidenced<S extends z.ZodType>(value: S) {
  return z.preprocess(
    (input) =>
      typeof input === 'object' && input !== null && 'value' in input
        ? input
        : { value: input, evidence: 'own' },
    z.strictObject({ value, evidence: z.enum(evidenceTags), note: z.string().optional() }),
  );
}

/** A positive count in a configuration file: a number, or text such as `20M`. */
export const amountSchema = z.preprocess(
  (value) => (typeof value === 'string' ? (parseAmount(value) ?? value) : value),
  z.number({ error: 'must be a count such as 20000000 or 20M' }).positive(),
);
