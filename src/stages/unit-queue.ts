/**
 * One source on its way to tokens: which of its units are begun, done and needed. Pure bookkeeping; tokenise-sources.ts does the work.
 *
 * The source ends at the smallest run of units from the first on whose training tokens reach `need`, or with its last unit. Units are
 * begun ahead of that only while those begun are not likely to be enough.
 */
import type { PreparedSource } from './source-texts.ts';
import type { Parcel } from './source-units.ts';
import type { UnitSummary, UnitTotals } from './unit-summary.ts';
import type { SourceUnit, TextSource } from './unit-texts.ts';
import { UsedUnits } from './used-units.ts';

/** Before anything of a source is known: tokens to a byte as stored. */
export const usualTokensPerByte = 0.3;
/** Bytes that a generated record counts as, for progress. */
const recordBytes = 100;

/** Size of a unit for progress and for the share that was read. */
export function weightOf(unit: SourceUnit): number {
  return 'read' in unit ? unit.bytes : unit.count * recordBytes;
}

/** Of a prepared source what tokenising it takes. */
export type QueuedSource = Pick<PreparedSource, 'kind' | 'bytes' | 'parcels'> & { source: TextSource };

export class UnitQueue {
  readonly prepared: QueuedSource;
  readonly need: number | undefined;
  readonly units: SourceUnit[] = [];
  loading = false;
  private readonly run: UsedUnits;
  private readonly summaries = new Map<number, UnitSummary>();
  private readonly inFlight = new Set<number>();
  private readonly source: AsyncGenerator<Parcel>;
  private readonly parcels: { from: number; parcel: Parcel }[] = [];
  private exhausted = false;
  private begun = 0;
  private doneTokens = 0;
  private doneWeight = 0;

  /** `judged`: see `UsedUnits`. */
  constructor(prepared: QueuedSource, need: number | undefined, heldoutShare: number, judged = true) {
    this.prepared = prepared;
    this.need = need;
    this.run = new UsedUnits(prepared.source, need, heldoutShare, judged);
    this.source = prepared.parcels();
  }

  get ended(): boolean {
    return this.run.ended;
  }

  /** Units used, once `ended`. */
  get used(): number {
    return this.run.used;
  }

  /** All that can be read, in the size of `weightOf`. */
  get weight(): number {
    return this.prepared.bytes > 0
      ? this.prepared.bytes
      : this.units.reduce((sum, unit) => sum + weightOf(unit), 0);
  }

  /** Training tokens of the units used so far. */
  get tokens(): number {
    return this.run.totals().tokens;
  }

  /** Whether more units have to be asked for before one can be begun. */
  get wantsParcel(): boolean {
    return (
      !this.ended && !this.exhausted && !this.loading && this.begun === this.units.length && !this.isCovered()
    );
  }

  async load(): Promise<void> {
    this.loading = true;
    try {
      const { value, done } = await this.source.next();
      if (done === true) this.exhausted = true;
      else {
        this.parcels.push({ from: this.units.length, parcel: value });
        this.units.push(...value.units);
      }
      this.advance();
    } finally {
      this.loading = false;
    }
  }

  /** The number of a unit to begin now, if one should be. */
  take(): number | undefined {
    if (this.ended || this.begun === this.units.length || this.isCovered()) return undefined;
    // A generator goes on from chunk to chunk; side by side each thread would generate all.
    if ('generate' in this.units[this.begun]! && this.inFlight.size > 0) return undefined;
    this.inFlight.add(this.begun);
    return this.begun++;
  }

  record(i: number, summary: UnitSummary): void {
    this.inFlight.delete(i);
    this.summaries.set(i, summary);
    this.doneTokens += summary.tokens;
    this.doneWeight += weightOf(this.units[i]!);
    this.advance();
  }

  /** Bytes done and to do, as far as can be told; `share` says how much of a unit under way is done. */
  progress(share: (i: number) => number): { done: number; total: number } {
    let done = this.doneWeight;
    for (const i of this.inFlight) done += weightOf(this.units[i]!) * share(i);
    if (this.ended && this.inFlight.size === 0) return { done, total: done };
    const needed =
      this.need === undefined ? Number.POSITIVE_INFINITY : this.need / Math.max(this.tokensPerByte(), 1e-9);
    return { done, total: Math.max(done, Math.min(this.weight, needed)) };
  }

  /** What the units used come to. Once `ended`. */
  result(): {
    units: { unit: SourceUnit; summary: UnitSummary }[];
    parcels: Parcel[];
    totals: UnitTotals;
    readShare: number;
  } {
    const units = this.units
      .slice(0, this.used)
      .map((unit, i) => ({ unit, summary: this.summaries.get(i)! }));
    const whole = this.exhausted && this.used === this.units.length;
    const read = units.reduce((sum, { unit }) => sum + weightOf(unit), 0);
    return {
      units,
      parcels: this.parcels.filter(({ from }) => from < this.used || whole).map(({ parcel }) => parcel),
      totals: this.run.totals(),
      readShare: whole || this.weight === 0 ? 1 : Math.min(1, read / this.weight),
    };
  }

  private advance(): void {
    while (!this.ended) {
      const summary = this.summaries.get(this.used);
      if (summary === undefined) break;
      this.run.add(summary);
    }
    if (this.exhausted && this.used === this.units.length) this.run.end();
  }

  /** Whether what is done and under way will probably be enough. */
  private isCovered(): boolean {
    if (this.need === undefined) return false;
    let tokens = this.doneTokens;
    for (const i of this.inFlight) tokens += weightOf(this.units[i]!) * this.tokensPerByte();
    return tokens >= this.need && this.inFlight.size > 0;
  }

  private tokensPerByte(): number {
    return this.doneWeight === 0 ? usualTokensPerByte : this.doneTokens / this.doneWeight;
  }
}
