/**
 * The rules of a recut: those of the run with other bounds, or other threshold sets, and what changed between the two lists.
 *
 * A single bound is named by its signal and side (`fineweb.line_punct_ratio.min`) or by the reason it drops for (`line_punct_ratio`).
 * A name that matches nothing and a bound that changes nothing are errors: a recut that silently did nothing would read as "no difference".
 */
import { nearest } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import type { Rule } from '../filters/rule.ts';
import { resolveRules, type Thresholds } from '../filters/thresholds.ts';
import type { FilterPlan } from './plan-filter.ts';
import { signalGroups } from './signal-groups.ts';

/** One bound to change: `null` takes it away. */
export interface BoundChange {
  /** `signal.min`, `signal.max`, or a reason. */
  name: string;
  bound: number | null;
}

export interface RecutRequest {
  /** Rules instead of those of the run, and the file (or flag) they are from. */
  thresholds?: { value: Thresholds; file: string };
  /** Changes on top. */
  set?: readonly BoundChange[];
}

/** A rule that differs between the run and the recut. */
export interface RuleChange {
  kind: 'changed' | 'added' | 'removed';
  /** Place in the rules of the run, or -1. */
  before: number;
  /** Place in the rules of the recut, or -1. */
  after: number;
}

/** The rules of the recut, in order. Throws a `UserError` for names that match nothing and for requests that change nothing. */
export function recutRules(plan: FilterPlan, request: RecutRequest): Rule[] {
  const before = plan.filter.rules;
  let rules = before.map((rule) => ({ ...rule }));
  if (request.thresholds !== undefined) {
    const { value, file } = request.thresholds;
    const measured = signalGroups(plan.filter).map(({ spec }) => spec);
    rules = resolveRules(value, measured, file);
    // Decontamination is a step of the job and no threshold: other thresholds do not let benchmark items back in.
    rules.push(
      ...before.filter((rule) => isContamination(rule) && !rules.some((r) => r.reason === rule.reason)),
    );
  }
  const signals = signalGroups(plan.filter).flatMap(({ spec }) => spec.signals.map(({ name }) => name));
  for (const change of request.set ?? []) setBound(rules, change, signals);
  if (ruleChanges(before, rules).length === 0 && sameOrder(before, rules)) {
    throw new UserError('these thresholds are the ones the run was made with, so nothing would change', {
      hint: 'change a bound, for example --set gopher.word_count.min=30',
    });
  }
  return rules;
}

function isContamination(rule: Rule): boolean {
  return rule.signal.startsWith('contamination.');
}

function setBound(rules: Rule[], { name, bound }: BoundChange, signals: readonly string[]): void {
  const flag = `--set ${name}=${bound}`;
  const [, signal, side] = /^(.+)\.(min|max)$/.exec(name) ?? [];
  if (signal !== undefined && signals.includes(signal)) {
    const matching = rules.filter((rule) => rule.signal === signal && rule.side === side);
    if (matching.length === 0 && bound !== null) {
      const reason = `${signal.replaceAll('.', '_')}_${side === 'min' ? 'below_min' : 'above_max'}`;
      rules.push({ signal, side: side as Rule['side'], bound, reason });
      return;
    }
    changeAll(rules, matching, bound, flag, `the run has no ${side} bound on ${signal}`);
    return;
  }
  const byReason = rules.filter((rule) => rule.reason === name);
  if (byReason.length > 0) {
    const sides = [...new Set(byReason.map((rule) => `${rule.signal}.${rule.side}`))];
    if (sides.length > 1) {
      throw new UserError(`${flag}: ${name} is the reason of ${sides.length} bounds`, {
        hint: `name one of them: ${sides.join(', ')}`,
      });
    }
    changeAll(rules, byReason, bound, flag, '');
    return;
  }
  throw unknownName(flag, name, rules, signals);
}

function unknownName(
  flag: string,
  name: string,
  rules: readonly Rule[],
  signals: readonly string[],
): UserError {
  if (signals.includes(name)) {
    return new UserError(`${flag}: which side? ${name} is a signal`, {
      hint: `write ${name}.min or ${name}.max`,
    });
  }
  const known = [
    ...rules.map((rule) => rule.reason),
    ...signals.flatMap((signal) => [`${signal}.min`, `${signal}.max`]),
  ];
  const near = nearest(name, known);
  const bounds = [...new Set(rules.map((rule) => `${rule.signal}.${rule.side}`))];
  return new UserError(`${flag}: no signal and no rule of this run is called "${name}"`, {
    hint: near === undefined ? `bounds of this run: ${bounds.join(', ')}` : `did you mean "${near}"?`,
  });
}

function changeAll(
  rules: Rule[],
  matching: readonly Rule[],
  bound: number | null,
  flag: string,
  absent: string,
): void {
  if (matching.length === 0) {
    throw new UserError(`${flag}: ${absent}, so there is none to take away`, { hint: 'leave it out' });
  }
  if (matching.every((rule) => rule.bound === bound)) {
    throw new UserError(`${flag} changes nothing: the bound is ${bound} already`, { hint: 'leave it out' });
  }
  for (const rule of matching) {
    if (bound === null) rules.splice(rules.indexOf(rule), 1);
    else rule.bound = bound;
  }
}

/** Which rules differ in what they let through, those of the recut first. Other names and another order do not count. */
export function ruleChanges(before: readonly Rule[], after: readonly Rule[]): RuleChange[] {
  const partners = pairRules(before, after);
  const changes: RuleChange[] = [];
  for (const [i, rule] of after.entries()) {
    const partner = partners[i]!;
    if (partner < 0) changes.push({ kind: 'added', before: -1, after: i });
    else if (!sameBound(before[partner]!, rule)) changes.push({ kind: 'changed', before: partner, after: i });
  }
  for (const i of before.keys())
    if (!partners.includes(i)) changes.push({ kind: 'removed', before: i, after: -1 });
  return changes;
}

/** For each rule of `after` the rule of `before` on the same signal and side, or -1. Rules of one side pair in order. */
export function pairRules(before: readonly Rule[], after: readonly Rule[]): number[] {
  const taken = new Set<number>();
  return after.map((rule) => {
    const matches = (other: Rule, i: number): boolean =>
      !taken.has(i) && other.signal === rule.signal && other.side === rule.side;
    let at = before.findIndex((other, i) => matches(other, i) && other.reason === rule.reason);
    if (at < 0) at = before.findIndex(matches);
    if (at >= 0) taken.add(at);
    return at;
  });
}

function sameBound(a: Rule, b: Rule): boolean {
  return a.bound === b.bound && (a.exceptZero ?? false) === (b.exceptZero ?? false);
}

function sameOrder(before: readonly Rule[], after: readonly Rule[]): boolean {
  return before.length === after.length && before.every((rule, i) => rule.reason === after[i]!.reason);
}
