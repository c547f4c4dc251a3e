/**
 * What decontamination found in a whole job: one row for each document and item, and a summary by benchmark that also says what could not
 * be looked for.
 */
import type { ContaminationMatch } from './contamination-signals.ts';
import type { BenchmarkCounts } from './index-data.ts';

/** A line of `contamination.jsonl`. */
export interface ContaminationRow extends ContaminationMatch {
  /** The document's id. */
  id: string;
  unit: string;
  /** Its number among the documents of the unit. */
  index: number;
}

export interface ContaminationHits {
  /** Items that at least one document matches. */
  items: number;
  /** Documents that match at least one item. */
  documents: number;
}

export interface BenchmarkSummary extends BenchmarkCounts {
  exact: ContaminationHits;
  near: ContaminationHits;
}

export interface ContaminationSummary {
  /** Words in an n-gram. */
  n: number;
  benchmarks: BenchmarkSummary[];
  /** Documents that match an item of any benchmark. */
  documents: { exact: number; near: number };
}

/** The rows of one document. */
export function contaminationRows(
  document: { id: string; unit: string; index: number },
  matches: readonly ContaminationMatch[],
): ContaminationRow[] {
  const { id, unit, index } = document;
  return matches.map((match) => ({ id, unit, index, ...match }));
}

interface Tally {
  items: Set<string>;
  documents: number;
  lastDocument: string;
}

const newTally = (): Tally => ({ items: new Set(), documents: 0, lastDocument: '' });

function note(tally: Tally, item: string, document: string): void {
  tally.items.add(item);
  if (tally.lastDocument === document) return;
  tally.documents++;
  tally.lastDocument = document;
}

/**
 * Adds rows up. Rows of one document must follow each other; otherwise their order does not matter. Memory: the names of the items hit.
 */
export class ContaminationTally {
  private readonly counts: readonly BenchmarkCounts[];
  private readonly n: number;
  private readonly byBenchmark: Map<string, Record<ContaminationMatch['kind'], Tally>>;
  private readonly all = { exact: newTally(), near: newTally() };

  /** `counts` and `n` are those of the index: `index.data.counts`, `index.data.options.n`. */
  constructor(counts: readonly BenchmarkCounts[], n: number) {
    this.counts = counts;
    this.n = n;
    this.byBenchmark = new Map(
      counts.map(({ benchmark }) => [benchmark, { exact: newTally(), near: newTally() }]),
    );
  }

  add({ kind, benchmark, item, unit, index }: Omit<ContaminationRow, 'id'>): void {
    const tally = this.byBenchmark.get(benchmark);
    if (tally === undefined) throw new Error(`no benchmark ${benchmark} in the index`);
    const document = `${index}\n${unit}`;
    note(tally[kind], item, document);
    note(this.all[kind], '', document);
  }

  summary(): ContaminationSummary {
    return {
      n: this.n,
      benchmarks: this.counts.map((counts) => {
        const { exact, near } = this.byBenchmark.get(counts.benchmark)!;
        return { ...counts, exact: hits(exact), near: hits(near) };
      }),
      documents: { exact: this.all.exact.documents, near: this.all.near.documents },
    };
  }
}

function hits({ items, documents }: Tally): ContaminationHits {
  return { items: items.size, documents };
}
