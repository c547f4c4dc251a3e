/**
 * A number together with how it came about: its formula with the numbers put in, and the assumptions under it. All of a cluster plan is made of
 * these, so that `midtrain plan --explain` can show the way to each of them and a test can compute every formula again.
 *
 * Units are words; bytes are bytes, hours are hours. Nothing is rounded before it is shown.
 */
import { invariant } from '../core/errors.ts';

export interface Figure {
  /** What it is, as a formula names it. */
  readonly name: string;
  readonly value: number;
  /** `bytes`, `core h`, `tokens/s`, ...; empty for a pure number. */
  readonly unit: string;
  /** `documents (1000) x bytes a document (50)`; empty for a figure that was given. */
  readonly formula: string;
  /** Ids of the assumptions under it (assumption.ts), in the order of the formula. */
  readonly because: readonly string[];
}

/** What a figure was made of. Beside the figures, so that a plan as JSON does not repeat them. */
const parts = new WeakMap<Figure, readonly Figure[]>();

export function partsOf(figure: Figure): readonly Figure[] {
  return parts.get(figure) ?? [];
}

/** A figure that something outside says: the description, a measurement, a data sheet. */
export function given(name: string, value: number, unit: string, ...because: string[]): Figure {
  invariant(Number.isFinite(value), `${name} is a number`);
  return { name, value, unit, formula: '', because };
}

/** times[0] x times[1] ... / over[0] / over[1] ... */
export function product(
  name: string,
  unit: string,
  times: readonly Figure[],
  over: readonly Figure[] = [],
): Figure {
  const above = times.reduce((result, { value }) => result * value, 1);
  const below = over.reduce((result, { value }) => result * value, 1);
  const formula = times.map(term).join(' x ') + over.map((figure) => ` / ${term(figure)}`).join('');
  return made(name, unit, above / below, formula, [...times, ...over]);
}

export function sum(name: string, unit: string, terms: readonly Figure[]): Figure {
  const value = terms.reduce((result, part) => result + part.value, 0);
  const shown = terms.filter((part) => part !== nothing);
  return made(name, unit, value, shown.length === 0 ? '0' : shown.map(term).join(' + '), shown);
}

/** The largest part. Of equals the first. */
export function largest(name: string, unit: string, terms: readonly Figure[]): Figure {
  const value = Math.max(...terms.map((part) => part.value));
  return made(name, unit, value, `largest of ${terms.map(term).join(', ')}`, terms);
}

/** The next whole number. 1e-9: what is whole but for rounding stays. */
export function roundedUp(name: string, unit: string, figure: Figure): Figure {
  return made(name, unit, Math.ceil(figure.value - 1e-9), `${term(figure)} rounded up`, [figure]);
}

/** A value that a function of the project computes from the parts, said in words. */
export function computed(
  name: string,
  unit: string,
  value: number,
  how: string,
  terms: readonly Figure[] = [],
  ...because: string[]
): Figure {
  return because.reduce(resting, made(name, unit, value, how, terms));
}

/** The same figure with one more assumption under it. */
export function resting(figure: Figure, id: string): Figure {
  const copy = { ...figure, because: [...new Set([...figure.because, id])] };
  parts.set(copy, partsOf(figure));
  return copy;
}

function made(name: string, unit: string, value: number, formula: string, terms: readonly Figure[]): Figure {
  const because = [...new Set(terms.flatMap((part) => part.because))];
  const figure = { name, value, unit, formula, because };
  parts.set(figure, terms);
  return figure;
}

function term({ name, value }: Figure): string {
  return `${name} (${plainNumber(value)})`;
}

/** Seven digits, no grouping, the same everywhere. */
export function plainNumber(value: number): string {
  return String(Number(value.toPrecision(7)));
}

/** Where a stage reads or writes nothing. */
export const nothing = given('nothing', 0, 'bytes');

export const secondsAnHour = given('seconds an hour', 3600, 's');
