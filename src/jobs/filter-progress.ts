/** What a filter job tells while it runs: bytes done, documents and megabytes a second, share kept; and a metrics row per unit. */

import type { Emit } from '../core/events.ts';
import { sumCounts } from '../core/ledger.ts';
import type { MetricsWriter } from '../io/run-record.ts';
import type { LocalPool } from '../stages/local-pool.ts';
import type { FilterPlan, PlannedUnit } from '../stages/plan-filter.ts';
import type { UnitReport } from '../stages/unit-report.ts';
import { bytesInFlight } from './bytes-in-flight.ts';
import type { JobEvents } from './unit-passes.ts';

const task = 'filter';
const unit = 'bytes';

export class FilterProgress implements JobEvents {
  private readonly reads: ReadonlyMap<string, PlannedUnit['read']>;
  private readonly pool: LocalPool;
  private readonly emit: Emit;
  private readonly metrics: MetricsWriter | undefined;
  private readonly began = performance.now();
  private readonly timer: NodeJS.Timeout;
  private readonly total: number;
  private doneBytes = 0;
  private unitsDone = 0;
  /** Of this run, without what an earlier one did. */
  private documents = 0;
  private bytes = 0;
  private kept = 0;
  private lastEnd = 0;

  constructor(plan: Pick<FilterPlan, 'units'>, pool: LocalPool, emit: Emit, metrics?: MetricsWriter) {
    this.reads = new Map(plan.units.map(({ name, read }) => [name, read]));
    this.pool = pool;
    this.emit = emit;
    this.metrics = metrics;
    this.total = plan.units.reduce((sum, { read }) => sum + read.bytes, 0);
    emit({ kind: 'start', task, total: this.total, unit });
    this.timer = setInterval(() => this.tell(), 500);
    this.timer.unref();
  }

  measured(unit: PlannedUnit, report: UnitReport, reused: boolean): void {
    this.doneBytes += unit.read.bytes;
    this.unitsDone++;
    if (reused) return;
    this.lastEnd = performance.now();
    this.documents += report.ledger.in;
    this.kept += report.ledger.kept;
    this.bytes += unit.read.bytes;
    this.metrics?.append({
      step: this.unitsDone,
      unit: unit.name,
      documents: report.ledger.in,
      kept: report.ledger.kept,
      dropped: sumCounts(report.ledger.dropped),
      failed: sumCounts(report.ledger.failed),
    });
    for (const { file, place, problem } of report.failures.slice(0, 3)) {
      this.emit({
        kind: 'message',
        level: 'warn',
        text: `${file}${place === undefined ? '' : ` (${place})`}: ${problem}`,
      });
    }
    this.tell();
  }

  failed(unit: PlannedUnit, problem: string): void {
    this.emit({ kind: 'message', level: 'warn', text: `unit ${unit.name} was given up: ${problem}` });
  }

  /** Rates over the units of this run, or undefined when there were none. */
  speed(): { documentsPerSecond: number; megabytesPerSecond: number } | undefined {
    if (this.documents === 0) return undefined;
    const seconds = (this.lastEnd - this.began) / 1000;
    return {
      documentsPerSecond: round(this.documents / seconds),
      megabytesPerSecond: round(this.bytes / 1e6 / seconds),
    };
  }

  end(): void {
    this.stop();
    const seconds = (performance.now() - this.began) / 1000;
    this.emit({ kind: 'end', task, done: this.doneBytes, unit, seconds, numbers: this.numbers() });
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tell(): void {
    this.emit({
      kind: 'progress',
      task,
      done: Math.round(this.doneBytes + bytesInFlight(this.pool, this.reads)),
      total: this.total,
      unit,
      numbers: this.numbers(),
    });
  }

  private numbers(): Record<string, number> {
    let { documents, kept } = this;
    for (const progress of this.pool.inFlight.values()) {
      documents += progress.counters.documents;
      kept += progress.counters.kept;
    }
    const seconds = (performance.now() - this.began) / 1000;
    return {
      documents,
      'documents/s': round(documents / seconds),
      'share kept': documents === 0 ? 0 : round(kept / documents),
    };
  }
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
