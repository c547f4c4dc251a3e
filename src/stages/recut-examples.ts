/** The first documents, in document order, that a recut gains and loses for each reason, with the value and the bound that decided. */
import type { Rule } from '../filters/rule.ts';
import { duplicateReason } from './duplicate-reason.ts';
import { type Decided, kindOf, outcomes } from './recut-decide.ts';
import { pairRules } from './recut-rules.ts';
import type { DedupStep } from './resolved-filter.ts';
import { readDocumentRows, type SignalRun } from './run-signals.ts';

export interface RecutExample {
  /** Why it was dropped before (gained), or is dropped now (lost). */
  reason: string;
  unit: string;
  index: number;
  id: string;
  url: string | null;
  /** The first 200 characters. */
  excerpt: string;
  /** The signal that decided, its value (null: not measured), and its bound before and after; absent for what is no rule. */
  signal?: string;
  value?: number | null;
  side?: 'min' | 'max';
  boundBefore?: number | null;
  boundAfter?: number | null;
}

interface Pick {
  document: number;
  reason: string;
  rule: Rule | undefined;
  boundBefore: number | null;
  boundAfter: number | null;
}

export async function findExamples(
  run: SignalRun,
  rules: readonly Rule[],
  decided: Decided,
  perReason: number,
): Promise<{ gained: RecutExample[]; lost: RecutExample[] }> {
  const before = run.plan.filter.rules;
  const steps = run.plan.filter.dedup.map(({ name }) => name);
  const gained = firstOf(decided.before, decided.after, perReason);
  const lost = firstOf(decided.after, decided.before, perReason);
  const partners = pairRules(before, rules);
  const picks = {
    gained: gained.map(({ document, outcome }): Pick => {
      const rule = ruleOf(before, outcome);
      const now = rule === undefined ? undefined : rules[partners.indexOf(before.indexOf(rule))];
      return {
        document,
        reason: reasonOf(before, steps, outcome),
        rule,
        boundBefore: rule?.bound ?? null,
        boundAfter: now?.bound ?? null,
      };
    }),
    lost: lost.map(({ document, outcome }): Pick => {
      const rule = ruleOf(rules, outcome);
      const was = rule === undefined ? undefined : before[partners[rules.indexOf(rule)]!];
      return {
        document,
        reason: reasonOf(rules, steps, outcome),
        rule,
        boundBefore: was?.bound ?? null,
        boundAfter: rule?.bound ?? null,
      };
    }),
  };
  const found = await readPicks(run, [...picks.gained, ...picks.lost]);
  return {
    gained: picks.gained.map((pick) => found.get(pick)!),
    lost: picks.lost.map((pick) => found.get(pick)!),
  };
}

/** Documents that `kept` keeps and `dropped` drops, the first few of each outcome, by outcome and then in order. */
function firstOf(
  dropped: Int16Array,
  kept: Int16Array,
  perReason: number,
): { document: number; outcome: number }[] {
  const first = new Map<number, number[]>();
  if (perReason === 0) return [];
  for (let document = 0; document < dropped.length; document++) {
    const outcome = dropped[document]!;
    if (kept[document]! >= 0 || outcome < 0) continue;
    const list = first.get(outcome);
    if (list === undefined) first.set(outcome, [document]);
    else if (list.length < perReason) list.push(document);
  }
  return [...first]
    .sort(([a], [b]) => a - b)
    .flatMap(([outcome, documents]) => documents.map((document) => ({ document, outcome })));
}

function ruleOf(rules: readonly Rule[], outcome: number): Rule | undefined {
  const kind = kindOf(outcome);
  if (kind === 'unscored') return rules[outcome - outcomes.unscored];
  return kind === 'rule' ? rules[outcome] : undefined;
}

/** The name of an outcome, as ledgers group by it. */
export function reasonOf(
  rules: readonly Rule[],
  steps: readonly DedupStep['name'][],
  outcome: number,
): string {
  switch (kindOf(outcome)) {
    case 'kept':
      return 'kept';
    case 'rule':
      return rules[outcome]!.reason;
    case 'duplicate':
      return duplicateReason(steps[outcome - outcomes.duplicate]!);
    case 'unscored':
      return 'unscored';
    case 'empty':
      return 'empty_text';
  }
}

/** Reads the documents unit by unit, so that a row group is read once. */
async function readPicks(run: SignalRun, picks: readonly Pick[]): Promise<Map<Pick, RecutExample>> {
  const found = new Map<Pick, RecutExample>();
  const sorted = [...picks].sort((a, b) => a.document - b.document);
  for (let from = 0, u = 0; from < sorted.length; ) {
    while (run.units[u]!.first + run.units[u]!.rows <= sorted[from]!.document) u++;
    const unit = run.units[u]!;
    let to = from;
    while (to < sorted.length && sorted[to]!.document < unit.first + unit.rows) to++;
    const here = sorted.slice(from, to);
    const signals = [...new Set(here.flatMap(({ rule }) => (rule === undefined ? [] : [rule.signal])))];
    const indices = [...new Set(here.map(({ document }) => document - unit.first))];
    const rows = new Map((await readDocumentRows(unit, indices, signals)).map((row) => [row.index, row]));
    for (const pick of here) {
      const { reason, rule, boundBefore, boundAfter } = pick;
      const { index, id, url, excerpt, values } = rows.get(pick.document - unit.first)!;
      const decided =
        rule === undefined
          ? {}
          : {
              signal: rule.signal,
              value: values[rule.signal] ?? null,
              side: rule.side,
              boundBefore,
              boundAfter,
            };
      found.set(pick, { reason, unit: unit.name, index, id, url, excerpt, ...decided });
    }
    from = to;
  }
  return found;
}
