/**
 * Where a filter job that many machines share stands: the first stage with work left, what is left of it, and the count of documents so far.
 *
 * Reads markers and sizes of files, never contents: whoever is about to rely on a file reads it then (filter-share.ts), and `jobs status
 * --verify` reads them all. Changes nothing. A count that does not balance, or a unit that has not as many documents as the plan knows rows,
 * ends it with an error: from then on nothing this job says could be trusted.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stableJson } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { assertBalanced, type Ledger, mergeLedgers } from '../core/ledger.ts';
import { readRecord } from '../io/run-record.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { BatchStage, BatchSurvey } from './batch-job.ts';
import { type BarrierResult, DedupMarkers } from './dedup-markers.ts';
import { aloneStage, compareStage, finishStage, measureStage } from './filter-stages.ts';
import { type UnitState, UnitStates } from './unit-states.ts';

/** `given`: by name, the stages whose work was given out; they keep their items. */
export async function surveyFilter(
  folder: string,
  plan: FilterPlan,
  given: ReadonlyMap<string, BatchStage>,
): Promise<BatchSurvey> {
  const units = new UnitStates(folder, plan, { keepLost: true });
  const { all } = units;
  await units.takeStock(all, 'sizes');
  const markers = new DedupMarkers(folder, plan);
  const passed: BatchSurvey['passed'] = [];
  const answer = (stage: BatchStage | undefined, left: readonly string[]): BatchSurvey => ({
    stage,
    left: stage === undefined ? [] : inOrder(stage, left),
    passed,
    ledger: ledgerOf(plan, all),
    losses: lossesOf(plan, all),
  });
  const pass = (stage: BatchStage): void => {
    passed.push({ name: stage.name, items: stage.items.length });
  };

  const measure = given.get('measure') ?? measureStage(plan);
  const unmeasured = (): string[] => namesOf(all.filter((state) => state.measured === undefined));
  const measured = units.allMeasured;
  if (measured === undefined) return answer(measure, unmeasured());
  pass(measure);

  let barrier: BarrierResult | undefined;
  if (plan.filter.dedup.length > 0) {
    const compare = given.get('compare') ?? compareStage(markers, measured);
    const uncompared: string[] = [];
    for (const { id } of compare.items) {
      const part = markers.partOf(id);
      if (part === undefined) continue;
      if (await markers.isCompared(part, measured, 'sizes')) continue;
      if ((await markers.clusters(part.step, measured, 'sizes')) === undefined) uncompared.push(id);
    }
    if (uncompared.length > 0) return answer(compare, uncompared);
    pass(compare);
    const dedup = given.get('dedup') ?? aloneStage('dedup');
    barrier = await markers.existing(measured, 'sizes');
    if (barrier === undefined) return answer(dedup, ['dedup']);
    pass(dedup);
  }
  barrier ??= await markers.existing(measured, 'sizes');

  await units.recogniseFinished(all, barrier!, 'sizes');
  // A unit whose finished output no longer fits the drop lists may lack the file that the second pass reads.
  const unfinished = all.filter((state) => state.finished === undefined);
  for (const state of unfinished) await units.requireCandidates(state, 'sizes');
  if (units.allMeasured === undefined) {
    passed.length = 0;
    return answer(measure, unmeasured());
  }
  const finish = given.get('finish') ?? finishStage(plan, measured);
  if (unfinished.length > 0) return answer(finish, namesOf(unfinished));
  pass(finish);

  const conclude = given.get('conclude') ?? aloneStage('conclude');
  if (!isConcluded(folder, plan, ledgerOf(plan, all))) return answer(conclude, ['conclude']);
  pass(conclude);
  return answer(undefined, []);
}

function namesOf(states: readonly UnitState[]): string[] {
  return states.map(({ unit }) => unit.name);
}

function inOrder({ items }: BatchStage, ids: readonly string[]): string[] {
  const wanted = new Set(ids);
  return items.map(({ id }) => id).filter((id) => wanted.has(id));
}

/** Of the units measured so far and the files that could not be opened. */
function ledgerOf(plan: FilterPlan, states: readonly UnitState[]): Ledger {
  const ledgers: Ledger[] = [];
  for (const { unit, measured, finished } of states) {
    if (measured === undefined) continue;
    const first = measured.report.ledger;
    const last = finished?.report.ledger ?? first;
    assertBalanced(first, `the unit ${unit.name}`);
    if (last !== first) assertBalanced(last, `the unit ${unit.name}`);
    const { rows } = unit.read;
    const wanted = measured.report.complete && rows !== undefined ? rows : first.in;
    if (first.in !== wanted || last.in !== first.in) {
      const counts =
        first.in === wanted
          ? `${first.in} documents were measured and ${last.in} finished`
          : `the plan knows ${wanted} documents in it, and ${first.in} were measured`;
      throw new UserError(
        `the unit ${unit.name} of ${unit.read.file} does not have its documents: ${counts}`,
        {
          hint: 'see whether the file changed since the job was planned; run it again with --fresh or another --out; if it happens twice, please report it as a bug',
        },
      );
    }
    ledgers.push(last);
  }
  const unreadable = plan.unreadable.length;
  if (unreadable > 0) ledgers.push({ in: unreadable, kept: 0, dropped: {}, failed: { unreadable } });
  const ledger = mergeLedgers(ledgers);
  assertBalanced(ledger, 'the job');
  return ledger;
}

function lossesOf(plan: FilterPlan, states: readonly UnitState[]): BatchSurvey['losses'] {
  const lost = states.flatMap(({ unit, measured }) => {
    if (measured === undefined || measured.report.complete) return [];
    const [first] = measured.report.failures;
    return [
      {
        item: unit.name,
        file: first?.file ?? unit.read.file,
        problem: first?.problem ?? 'part of it is lost',
      },
    ];
  });
  return [...plan.unreadable.map(({ file, problem }) => ({ item: file, file, problem })), ...lost];
}

/** Whether the end of the job was reached from what holds now. */
function isConcluded(folder: string, plan: FilterPlan, ledger: Ledger): boolean {
  try {
    const { status, fingerprint } = readRecord(folder);
    const written = JSON.parse(readFileSync(join(folder, 'ledger.json'), 'utf8')) as Ledger;
    const same = (one: Ledger): string => stableJson([one.in, one.kept, one.dropped, one.failed]);
    return status === 'done' && fingerprint === plan.hash && same(written) === same(ledger);
  } catch {
    return false; // not written yet, or damaged: it is written anew
  }
}
