/**
 * Doubles for exact values, so that a rounded decimal can be checked against an exact answer.
 *
 * Atoms the algebra does not take apart carry their own double when they are made (`defineAtom`). A value with a free
 * variable has no number.
 */
import type { Polynomial, Value } from './algebra.ts';
import { toNumber } from './rational.ts';

export type AtomNumbers = Map<string, number>;

/** The number of `value`, or undefined when it has variables, is not real, or overflows. */
export function numberOf(value: Value, atoms: AtomNumbers): number | undefined {
  const above = polynomialNumber(value.numerator, atoms);
  const below = polynomialNumber(value.denominator, atoms);
  if (above === undefined || below === undefined || below === 0) return undefined;
  const result = above / below;
  return Number.isFinite(result) ? result : undefined;
}

function polynomialNumber(polynomial: Polynomial, atoms: AtomNumbers): number | undefined {
  let sum = 0;
  for (const term of polynomial.values()) {
    let product = toNumber(term.coefficient);
    for (const [name, exponent] of term.powers) {
      const base =
        name === 'pi'
          ? Math.PI
          : name === 'e'
            ? Math.E
            : name.startsWith('#')
              ? Number(name.slice(1))
              : atoms.get(name);
      if (base === undefined) return undefined;
      product *= base ** toNumber(exponent);
    }
    sum += product;
  }
  return Number.isFinite(sum) ? sum : undefined;
}
