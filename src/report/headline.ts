/** The top of a report: one sentence that says what the page shows, and the few numbers a reader takes home. */

import { collapseChecked, collapsesNotChecked } from './failure-signatures.ts';
import { droppedTotal, type FilterFacts } from './filter-facts.ts';
import type { GrpoFacts } from './grpo-facts.ts';
import type { MixFacts } from './mix-facts.ts';
import { compact, decimal, percent, points, pointsRange, span, whole } from './number-format.ts';
import type { PreparedRun } from './report-run.ts';
import type { TrainFacts } from './train-facts.ts';

interface KeyNumber {
  label: string;
  value: string;
  detail: string;
  /** Colours the tile: something to be pleased or worried about. */
  tone?: 'good' | 'bad';
}

export interface Headline {
  sentence: string;
  numbers: KeyNumber[];
}

interface Parts {
  filters: readonly FilterFacts[];
  mixes: readonly MixFacts[];
  train: TrainFacts | undefined;
  grpos: readonly GrpoFacts[];
}

export function headlineOf(runs: readonly PreparedRun[], parts: Parts): Headline {
  const numbers = [
    filterNumber(parts.filters),
    mixNumber(parts.mixes),
    lossNumber(parts.train),
    accuracyNumber(parts.grpos),
    verdictNumber(parts.grpos),
  ].filter((n) => n !== undefined);
  return { sentence: sentenceOf(runs, parts), numbers };
}

function sentenceOf(runs: readonly PreparedRun[], { filters, mixes, train, grpos }: Parts): string {
  const parts: string[] = [];
  if (filters.length > 0) {
    const same = samePages(filters);
    const pages = same ? filters[0]!.ledger!.in : filters.reduce((sum, f) => sum + (f.ledger?.in ?? 0), 0);
    const runs = filters.length > 1 ? ` in ${filters.length} ${same ? 'ways' : 'runs'}` : '';
    parts.push(`how ${same ? 'the same ' : ''}${whole(pages)} pages were filtered${runs}`);
  }
  if (mixes.length > 0) {
    const tokens = mixes.map((m) => compact(m.totalTokens)).join(' and ');
    parts.push(`what was mixed into ${tokens} tokens`);
  }
  if (train !== undefined) {
    const several = train.chains.length > 1 ? `${train.chains.length} models` : 'a model';
    const phases = [...new Set(train.segments.flatMap((s) => s.rows.map((r) => r.phase)))].filter(
      (p) => p !== '',
    );
    parts.push(`how ${several} trained on it${phases.length > 0 ? ` (${phases.join(', then ')})` : ''}`);
  }
  if (grpos.length > 0)
    parts.push(
      `${parts.length === 0 ? 'how reinforcement learning went' : 'what reinforcement learning made of it'}${grpos.length > 1 ? ` in ${grpos.length} runs` : ''}`,
    );
  if (parts.length === 0) {
    return `This page shows what was recorded of ${runs.length === 1 ? 'one run' : `${runs.length} runs`}.`;
  }
  const last = parts.pop()!;
  return `This page shows ${parts.length === 0 ? last : `${parts.join(', ')}, and ${last}`}.`;
}

/** Runs over one set of inputs: their counts are compared, not added. */
function samePages(filters: readonly FilterFacts[]): boolean {
  const inputs = filters.map(({ run }) => JSON.stringify(run.record.inputs));
  const pages = filters[0]?.ledger?.in;
  return (
    filters.length > 1 &&
    inputs[0] !== '[]' &&
    pages !== undefined &&
    filters.every(({ ledger }, i) => ledger?.in === pages && inputs[i] === inputs[0])
  );
}

function filterNumber(filters: readonly FilterFacts[]): KeyNumber | undefined {
  const ledgers = filters.flatMap((f) => f.ledger ?? []);
  if (ledgers.length === 0) return undefined;
  if (samePages(filters)) {
    const shares = ledgers.map((ledger) => (ledger.in === 0 ? 0 : ledger.kept / ledger.in));
    const keptOf = ledgers.map((ledger) => ledger.kept);
    return {
      label: 'Pages kept',
      value: span(shares, percent),
      detail: `${span(keptOf, whole)} of the same ${whole(ledgers[0]!.in)}`,
    };
  }
  const pages = ledgers.reduce((sum, l) => sum + l.in, 0);
  const kept = ledgers.reduce((sum, l) => sum + l.kept, 0);
  const failed = ledgers.reduce((sum, l) => sum + Object.values(l.failed).reduce((a, b) => a + b, 0), 0);
  const dropped = ledgers.reduce((sum, l) => sum + droppedTotal(l), 0) - failed;
  return {
    label: 'Pages kept',
    value: percent(pages === 0 ? undefined : kept / pages),
    detail: `${whole(kept)} of ${whole(pages)}; ${whole(dropped)} dropped${failed > 0 ? `, ${whole(failed)} failed` : ''}`,
  };
}

function mixNumber(mixes: readonly MixFacts[]): KeyNumber | undefined {
  if (mixes.length === 0) return undefined;
  return {
    label: mixes.length === 1 ? 'Tokens mixed' : 'Tokens mixed, per mixture',
    value:
      mixes.length > 2 ? `${mixes.length} mixtures` : mixes.map((m) => compact(m.totalTokens)).join(' · '),
    detail: `QA share ${mixes.map((m) => percent(m.qaShare)).join(' · ')}`,
  };
}

function lossNumber(train: TrainFacts | undefined): KeyNumber | undefined {
  if (train === undefined) return undefined;
  const heldOut = train.chains.every((c) => c.firstHeldOut !== undefined && c.lastHeldOut !== undefined);
  const first = train.chains.flatMap((c) => (heldOut ? c.firstHeldOut : c.firstLoss) ?? []);
  const last = train.chains.flatMap((c) => (heldOut ? c.lastHeldOut : c.lastLoss) ?? []);
  if (first.length === 0 || last.length === 0) return undefined;
  return {
    label: heldOut ? 'Held-out loss' : 'Training loss',
    value: `${span(first, decimal)} → ${span(last, decimal)}`,
    detail: `nats per token, ${span(
      train.chains.map((c) => c.steps),
      whole,
    )} steps${
      train.chains.every((c) => c.tokens !== undefined)
        ? `, ${span(
            train.chains.map((c) => c.tokens!),
            compact,
          )} tokens`
        : ''
    }`,
  };
}

function accuracyNumber(grpos: readonly GrpoFacts[]): KeyNumber | undefined {
  if (grpos.length === 0) return undefined;
  const scored = grpos.filter((g) => g.start !== undefined && g.end !== undefined);
  if (scored.length === 0) {
    const rewarded = grpos.filter((g) => g.firstReward !== undefined);
    if (rewarded.length === 0) return undefined;
    return {
      label: 'Mean reward',
      value: `${span(
        rewarded.map((g) => g.firstReward!),
        decimal,
      )} → ${span(
        rewarded.map((g) => g.lastReward!),
        decimal,
      )}`,
      detail: 'over RL; nothing was evaluated',
    };
  }
  const sets = [...new Set(scored.flatMap(({ set }) => set ?? []))];
  const on = sets.length === 0 ? '' : ` on ${sets.join(' and ')}`;
  const changes = scored.map((g) => g.end!.accuracy! - g.start!.accuracy!);
  const interval = scored[0]!.changeInterval;
  const shown =
    scored.length === 1
      ? {
          label: `Accuracy over RL${on}`,
          value: `${percent(scored[0]!.start!.accuracy)} → ${percent(scored[0]!.end!.accuracy)}`,
          detail: `${points(changes[0])}${interval === undefined ? '' : ` (95 % interval ${pointsRange(interval.low, interval.high)})`}`,
        }
      : {
          label: `Accuracy over RL${on}, change in points`,
          value: span(changes, signed),
          detail: `${scored.length} runs, ${span(
            scored.map((g) => g.start!.accuracy!),
            percent,
          )} at the start, ${span(
            scored.map((g) => g.end!.accuracy!),
            percent,
          )} at the end`,
        };
  return {
    ...shown,
    ...(changes.every((c) => c > 0)
      ? { tone: 'good' as const }
      : changes.every((c) => c < 0)
        ? { tone: 'bad' as const }
        : {}),
  };
}

/** "+18.4": points without the word. */
function signed(change: number): string {
  return points(change).replace(' points', '');
}

function verdictNumber(grpos: readonly GrpoFacts[]): KeyNumber | undefined {
  if (grpos.length === 0) return undefined;
  const bad = grpos.filter((g) => g.collapsed);
  const warned = grpos.filter((g) => g.warned);
  if (grpos.length === 1) {
    const only = grpos[0]!;
    const checked = collapseChecked(only.signatures);
    const value = only.collapsed
      ? 'collapse'
      : only.warned
        ? 'warning'
        : checked
          ? 'no collapse seen'
          : 'not checked';
    return {
      label: 'Stability',
      value,
      detail: only.verdict,
      ...(only.collapsed
        ? { tone: 'bad' as const }
        : checked && !only.warned
          ? { tone: 'good' as const }
          : {}),
    };
  }
  const unchecked = grpos.filter(({ signatures }) => collapsesNotChecked(signatures).length > 0);
  const rest =
    unchecked.length === 0
      ? ''
      : ` ${[...new Set(unchecked.flatMap(({ signatures }) => collapsesNotChecked(signatures)))].join(' and ').replace(/^./, (c) => c.toUpperCase())} could not be checked in ${unchecked.length === grpos.length ? 'any of them' : `${unchecked.length} of them`}.`;
  return {
    label: 'Stability',
    value:
      bad.length === 0 && warned.length > 0
        ? `${warned.length} of ${grpos.length} with a warning`
        : `${bad.length} of ${grpos.length} collapsed`,
    detail:
      (warned.length === 0
        ? 'No failure signature fired.'
        : warned.map((g) => `${g.run.label}: ${g.verdict}`).join(' ')) + rest,
    ...(bad.length > 0
      ? { tone: 'bad' as const }
      : warned.length + unchecked.length === 0
        ? { tone: 'good' as const }
        : {}),
  };
}
