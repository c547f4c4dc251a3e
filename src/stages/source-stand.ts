/**
 * How far the tokenising of a source has come, told from the summaries in its cache, and which of its units many machines should do next.
 *
 * A wave is what is handed out at once: the next units in order that are not done, until their likely tokens reach what the source needs. The
 * first wave goes by the rate of usual texts, later ones by the source's own so far. A rate that is too high costs another wave, one too
 * low units that are not used; neither changes which are (used-units.ts). A source whose first units held little text looks poorer than it is, so a
 * wave is at most `growth` times what was done before it, or what the usual rate says for the whole source if that is more.
 * Given up: a generated source is one piece of work, since a generator goes on from chunk to chunk and cannot start in the middle.
 */
import { emptyLedger, type Ledger, mergeLedgers } from '../core/ledger.ts';
import { ledgerWithHeldout } from './counted-source.ts';
import { weightOf } from './unit-queue.ts';
import { UnitCounter, type UnitSummary, type UnitTotals } from './unit-summary.ts';
import type { SourceUnit, TextSource } from './unit-texts.ts';
import { UsedUnits } from './used-units.ts';

/**
 * Tokens to a byte as stored. C4 pages have 0.22 with GPT-2's tokenizer, questions and answers in JSON 0.13 to 0.27, and newer vocabularies
 * need fewer tokens; gzip and zstd make these files 2.6 to 5 times as small. Lower than what one machine looks ahead by (unit-queue.ts), because
 * another wave costs more here than some units in vain.
 */
const usualRate = 0.2;
const compressedRate = 0.5;
/** A unit may hold this much less than the rate says. */
const margin = 1.05;
const growth = 8;

export interface SourceStand {
  /** It has what is needed, or all of its units are done. */
  ended: boolean;
  /** Units used: once ended, of them; before, the run of done ones from the first on. */
  used: number;
  /** What those come to. */
  totals: UnitTotals;
  /** By place among the units: those that are done. Beyond the used ones not all of them, once ended. */
  done: ReadonlyMap<number, UnitSummary>;
  /** Records of the used units, or as long as it has not ended of all done ones; held-out documents count as dropped. */
  ledger: Ledger;
}

/**
 * `need`: training tokens, undefined for all; `summaryOf` reads what is cached of a unit. Throws a `UserError` when the first thousand records, all
 * of them, lack what the template needs.
 */
export function standOf(
  source: TextSource,
  units: readonly SourceUnit[],
  need: number | undefined,
  heldoutShare: number,
  summaryOf: (unit: SourceUnit) => UnitSummary | undefined,
): SourceStand {
  const run = new UsedUnits(source, need, heldoutShare);
  const done = new Map<number, UnitSummary>();
  for (const [i, unit] of units.entries()) {
    if (run.ended) break;
    const summary = summaryOf(unit);
    if (summary === undefined) continue;
    done.set(i, summary);
    if (run.used === i) run.add(summary);
  }
  if (run.used === units.length) run.end();
  const counted = [...done].filter(([i]) => !run.ended || i < run.used).map(([, summary]) => summary);
  return {
    ended: run.ended,
    used: run.used,
    totals: run.totals(),
    done,
    ledger: ledgerOf(counted, heldoutShare),
  };
}

function ledgerOf(summaries: readonly UnitSummary[], heldoutShare: number): Ledger {
  if (summaries.length === 0) return emptyLedger();
  const counter = new UnitCounter(heldoutShare);
  for (const summary of summaries) counter.add(summary);
  const sum = mergeLedgers(summaries.map(({ ledger }) => ledger));
  return ledgerWithHeldout(sum, counter.totals().heldout.documents);
}

/** Places of the units to do next, at least one; none when the source has ended. */
export function nextWave(
  units: readonly SourceUnit[],
  need: number | undefined,
  { ended, used, totals, done }: SourceStand,
): number[] {
  if (ended) return [];
  let doneTokens = 0;
  let doneWeight = 0;
  for (const [i, summary] of done) {
    doneTokens += summary.tokens;
    doneWeight += weightOf(units[i]!);
  }
  const rateOf = (unit: SourceUnit): number =>
    (doneWeight === 0 ? usualRateOf(unit) : doneTokens / doneWeight) / margin;
  const most = (tokens: number): number => Math.max(growth * doneWeight, tokens / usualRate);
  const wave: number[] = [];
  let tokens = totals.tokens;
  let weight = 0;
  for (let i = used; i < units.length; i++) {
    const summary = done.get(i);
    if (summary !== undefined) {
      tokens += summary.tokens;
      continue;
    }
    if (need !== undefined && wave.length > 0 && (tokens >= need || weight >= most(need))) break;
    wave.push(i);
    weight += weightOf(units[i]!);
    tokens += weightOf(units[i]!) * rateOf(units[i]!);
  }
  return wave;
}

function usualRateOf(unit: SourceUnit): number {
  return 'read' in unit && unit.read.compression !== undefined ? compressedRate : usualRate;
}
