/**
 * From the thresholds of a pipeline file to the list of rules: named sets first, in their documented order, then changes to
 * single bounds. A set, signal or side that matches nothing is an error, because a rule that never fires looks like one that
 * always passes (dolma's `common_2gram` configs filtered nothing for months).
 */
import { z } from 'zod';
import { nearest } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { familyOfSignal, familySpecs } from './families.ts';
import type { Rule } from './rule.ts';
import type { FamilySpec } from './signal.ts';
import { thresholdSets } from './threshold-sets.ts';

const boundSchema = z.strictObject({
  /** Values below are dropped; null takes the bound away. */
  min: z.number().nullable().optional(),
  /** Values above are dropped; null takes the bound away. */
  max: z.number().nullable().optional(),
  /** Reason for a bound that no set names; by default the signal's name with `_below_min` or `_above_max`. */
  reason: z
    .string()
    .regex(/^[a-z][a-z0-9_]*$/, 'a reason is snake_case, for example low_math')
    .optional(),
  /** A value of exactly 0 passes the minimum. */
  exceptZero: z.boolean().optional(),
});

export const thresholdsSchema = z.strictObject({
  /** Built-in sets, tried in this order. */
  use: z.array(z.string()).default([]),
  /** By signal: bounds to change, add or (null) take away. */
  set: z.record(z.string(), boundSchema).default({}),
});

export type Thresholds = z.output<typeof thresholdsSchema>;

/**
 * The rules in the order they are tried. `measured` are the families the pipeline measures, with the signals they have under its
 * settings; `file` is named in errors. Throws a `UserError` for a set, signal or bound that matches nothing.
 */
export function resolveRules(thresholds: Thresholds, measured: readonly FamilySpec[], file: string): Rule[] {
  const rules: Rule[] = [];
  for (const name of thresholds.use) {
    const set = thresholdSets[name];
    if (set === undefined) {
      throw unknown(file, 'threshold set', name, Object.keys(thresholdSets));
    }
    for (const rule of set) requireMeasured(rule.signal, measured, file, `threshold set ${name}`);
    rules.push(...set.map((rule) => ({ ...rule })));
  }
  for (const [signal, bounds] of Object.entries(thresholds.set)) {
    requireMeasured(signal, measured, file, `thresholds.set.${signal}`);
    change(rules, signal, bounds, file);
  }
  return rules;
}

function change(rules: Rule[], signal: string, bounds: z.output<typeof boundSchema>, file: string): void {
  let changed = false;
  for (const side of ['min', 'max'] as const) {
    const bound = bounds[side];
    if (bound === undefined) continue;
    changed = true;
    const at = rules.findIndex((rule) => rule.signal === signal && rule.side === side);
    if (bound === null) {
      if (at < 0) {
        throw new UserError(
          `${file}: thresholds.set.${signal}.${side} is null, but no set in "use" has that bound`,
          {
            hint: `remove the line, or add the threshold set that it should change to thresholds.use`,
          },
        );
      }
      rules.splice(at, 1);
      continue;
    }
    const reason =
      bounds.reason ??
      (at < 0
        ? `${signal.replaceAll('.', '_')}_${side === 'min' ? 'below_min' : 'above_max'}`
        : rules[at]!.reason);
    const exceptZero = bounds.exceptZero ?? rules[at]?.exceptZero;
    const rule: Rule = {
      signal,
      side,
      bound,
      reason,
      ...(exceptZero === undefined || side === 'max' ? {} : { exceptZero }),
    };
    if (at < 0) rules.push(rule);
    else rules[at] = rule;
  }
  if (!changed) {
    throw new UserError(`${file}: thresholds.set.${signal} sets neither min nor max`, {
      hint: `for example ${signal}: { min: 0.2 }`,
    });
  }
}

function requireMeasured(signal: string, measured: readonly FamilySpec[], file: string, where: string): void {
  if (measured.some((family) => family.signals.some((spec) => spec.name === signal))) return;
  const classifier = /^classifier\.(.+)$/.exec(signal)?.[1];
  if (classifier !== undefined) {
    const has = measured
      .flatMap(({ signals }) => signals.map(({ name }) => name))
      .filter((name) => name.startsWith('classifier.'));
    throw new UserError(`${file}: ${where} names ${signal}, and there is no classifier ${classifier}`, {
      hint:
        has.length === 0 ? `add it under classifiers, or leave the bound out` : `there is ${has.join(', ')}`,
    });
  }
  const family = familyOfSignal(signal);
  if (family === undefined || measured.some(({ name }) => name === family.name)) {
    const known = [...measured, ...familySpecs].flatMap(({ signals }) => signals.map(({ name }) => name));
    throw unknown(file, `${where}: signal`, signal, [...new Set(known)]);
  }
  throw new UserError(`${file}: ${where} needs the signal ${signal}, which is not measured`, {
    hint: `add ${family.name} to signals`,
  });
}

/** Names listed in an error; a pipeline that measures all families has some two hundred signals. */
const shownNames = 15;

/** The error for a name that is in no list. Of many known names those that begin alike are told. */
export function unknown(file: string, what: string, name: string, known: readonly string[]): UserError {
  const near = nearest(name, known);
  const family = `${name.split('.')[0]}.`;
  const alike = known.filter((one) => one.startsWith(family));
  const told = alike.length > 0 ? alike : known;
  const more = told.length > shownNames ? ` and ${told.length - shownNames} more` : '';
  return new UserError(`${file}: unknown ${what} "${name}"`, {
    hint:
      near === undefined
        ? `known: ${told.slice(0, shownNames).join(', ')}${more}`
        : `did you mean "${near}"?`,
  });
}
