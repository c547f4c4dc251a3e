/**
 * The documents of a finished filter job, to page through: each with its text, signals, margins, reason and copies.
 *
 * What became of a document follows from signals/, the rules and the clusters, as in recut; the list of documents is therefore the same
 * whether dropped/ was written or not. Texts come from kept/ and dropped/; where a text was not written, its first 200 characters are in
 * signals/. Memory: some 30 bytes per document while opening and 3 after, one batch per open file, and at most a few files open.
 */

import { columnData, stringAt } from '../core/batch.ts';
import { firstIndex } from '../core/first-index.ts';
import { initHash64 } from '../core/hash64.ts';
import type { Rule } from '../filters/rule.ts';
import { readDoubles } from '../io/read-doubles.ts';
import { prioritySignal } from './copy-priority.ts';
import { CopyChooser, readRunClusters, type StepClusters } from './recut-copies.ts';
import { outcomes } from './recut-decide.ts';
import { reasonOf } from './recut-examples.ts';
import { type DecideOptions, decideRun, planTasks } from './recut-run.ts';
import {
  openSignalRun,
  readDocumentRows,
  type SignalRun,
  type SignalUnit,
  tokensAreExact,
} from './run-signals.ts';
import { SignalTable } from './signal-table.ts';
import { StoredTexts } from './stored-texts.ts';

export interface DocumentSignal {
  name: string;
  /** Null: not measured; NaN: a ratio over nothing. */
  value: number | null;
  /** The rule on it; a signal with two rules has two entries. */
  rule?: Rule;
  /** How far inside the bound: negative fails. */
  margin?: number;
}

export interface RunDocument {
  /** Through all units. */
  number: number;
  unit: string;
  index: number;
  id: string;
  url: string | null;
  source: string | null;
  title: string | null;
  /** `kept`, or why it was dropped. */
  reason: string;
  text: string;
  /** Where the text is from: only the beginning is stored of a dropped document when dropped/ was not written. */
  textFrom: 'kept' | 'dropped' | 'excerpt';
  bytes: number;
  tokens: number;
  signals: DocumentSignal[];
  /** Names that families gave it, such as its language. */
  labels: { name: string; value: string | null }[];
  /** Clusters it is in. */
  copies: { step: string; cluster: number; size: number }[];
}

export interface ClusterMember {
  number: number;
  id: string;
  url: string | null;
  reason: string;
  excerpt: string;
  /** The value that decides which copy stays; null where the first stays. */
  priority: number | null;
}

/** All documents, `kept`, `dropped`, or one reason. */
export type DocumentFilter = string;

export class RunDocuments {
  readonly run: SignalRun;
  readonly tokensExact: boolean;
  /** How many documents each reason has, most first; `kept` is one of them. */
  readonly reasons: { reason: string; documents: number }[];
  private readonly outcome: Int16Array;
  private readonly clusters: readonly StepClusters[];
  private readonly signals: readonly string[];
  private readonly labels: readonly string[];
  private readonly texts: StoredTexts;

  private constructor(run: SignalRun, outcome: Int16Array, clusters: readonly StepClusters[]) {
    this.run = run;
    this.outcome = outcome;
    this.clusters = clusters;
    this.texts = new StoredTexts(run, outcome);
    const { signals, labels } = new SignalTable(run.plan.filter);
    this.signals = signals.filter((name) => run.columns.includes(name));
    this.labels = labels.filter((name) => run.columns.includes(name));
    this.tokensExact = tokensAreExact(run.plan);
    const counts = new Map<number, number>();
    for (const value of outcome) counts.set(value, (counts.get(value) ?? 0) + 1);
    const reasons = new Map<string, number>();
    for (const [value, n] of counts) reasons.set(this.name(value), (reasons.get(this.name(value)) ?? 0) + n);
    this.reasons = [...reasons]
      .map(([reason, documents]) => ({ reason, documents }))
      .sort((a, b) => b.documents - a.documents || (a.reason < b.reason ? -1 : 1));
  }

  /** Throws a `UserError` when the folder is no finished filter job with signals. */
  static async open(folder: string, options: DecideOptions = {}): Promise<RunDocuments> {
    await initHash64();
    const run = await openSignalRun(folder);
    const { rules, dedup } = run.plan.filter;
    const priorities = dedup.map(({ keep }) => prioritySignal(keep));
    const decided = await decideRun(run, { before: rules, after: [], changes: [], priorities }, options);
    const clusters = readRunClusters(run);
    const survives = new Uint8Array(run.documents);
    for (let i = 0; i < survives.length; i++) if (decided.before[i]! < 0) survives[i] = 1;
    new CopyChooser(run, clusters, decided.priorities).drop(survives, (document, step) => {
      decided.before[document] = outcomes.duplicate + step;
    });
    return new RunDocuments(run, decided.before, clusters);
  }

  get documents(): number {
    return this.run.documents;
  }

  reasonAt(number: number): string {
    return this.name(this.outcome[number]!);
  }

  /** Numbers of the documents that `filter` lets through, ascending. */
  list(filter: DocumentFilter): Uint32Array {
    const found = new Uint32Array(this.documents);
    let n = 0;
    const matches = this.matcher(filter);
    for (let number = 0; number < found.length; number++)
      if (matches(this.outcome[number]!)) found[n++] = number;
    return found.slice(0, n);
  }

  /**
   * The same, those nearest to a bound first. For one reason it is that rule's bound; otherwise a document's nearest. Distances are shares
   * of the bound, so that a ratio and a count compare.
   */
  async byMargin(filter: DocumentFilter): Promise<Uint32Array> {
    const { rules } = this.run.plan.filter;
    const own = rules.filter((rule) => rule.reason === filter);
    const looked = own.length > 0 ? own : rules;
    const names = [...new Set(looked.map((rule) => rule.signal))];
    const distance = new Float32Array(this.documents).fill(Number.POSITIVE_INFINITY);
    for (const task of planTasks(this.run)) {
      const { rows, values } = await readDoubles(task.path, task.groups, names);
      for (const rule of looked) {
        const column = values[names.indexOf(rule.signal)]!;
        const scale = Math.abs(rule.bound) || 1;
        for (let row = 0; row < rows; row++) {
          const share = Math.abs(column[row]! - rule.bound) / scale;
          if (share < distance[task.first + row]!) distance[task.first + row] = share;
        }
      }
    }
    return this.list(filter).sort((a, b) => distance[a]! - distance[b]! || a - b);
  }

  async document(number: number): Promise<RunDocument> {
    const unit = this.unitOf(number);
    const index = number - unit.first;
    const { records, row } = await this.texts.signals(unit, index);
    const value = (name: string): number | null => {
      const column = columnData(records, name);
      return column.getValid(row) ? Number((column.values as ArrayLike<number>)[row]) : null;
    };
    const id = stringAt(records, 'id', row) ?? '';
    const url = stringAt(records, 'url', row);
    const excerpt = stringAt(records, 'excerpt', row) ?? '';
    const stored = await this.texts.text(unit, index, id);
    return {
      number,
      unit: unit.name,
      index,
      id,
      url,
      source: stored?.source ?? null,
      title: stored?.title ?? null,
      reason: this.reasonAt(number),
      text: stored?.text ?? excerpt,
      textFrom: stored?.from ?? 'excerpt',
      bytes: value('text.bytes') ?? 0,
      tokens: value('text.tokens') ?? 0,
      signals: this.signalsOf(value),
      labels: this.labels.map((name) => ({ name, value: stringAt(records, name, row) })),
      copies: this.copiesOf(number),
    };
  }

  /** The stored text of a document, or what is left of it: what `search` looks in. */
  async textOf(number: number): Promise<string> {
    const unit = this.unitOf(number);
    const index = number - unit.first;
    return (await this.texts.text(unit, index))?.text ?? (await this.texts.excerpt(unit, index));
  }

  /**
   * The first place in `list` from `from` on, in the given direction, whose id, or text holds `needle` (case is ignored), or -1. Stops
   * when `signal` aborts.
   */
  async search(
    list: Uint32Array,
    from: number,
    step: 1 | -1,
    needle: string,
    signal?: AbortSignal,
    progress?: (looked: number) => void,
  ): Promise<number> {
    const wanted = needle.toLowerCase();
    let looked = 0;
    for (let at = from; at >= 0 && at < list.length; at += step) {
      if (signal?.aborted === true) return -1;
      if ((await this.textOf(list[at]!)).toLowerCase().includes(wanted)) return at;
      if (++looked % 64 === 0) progress?.(looked);
    }
    return -1;
  }

  /**
   * Numbers of the documents in clusters of these steps, cluster by cluster, the largest first (of equals that whose first document comes
   * first), and the place in this list where each cluster starts.
   */
  clustered(steps: readonly string[]): { list: Uint32Array; starts: Uint32Array } {
    const list: number[] = [];
    const starts: number[] = [];
    for (const { name, cluster, document } of this.clusters) {
      if (!steps.includes(name)) continue;
      const sizes = sizesOf(cluster);
      const order = Uint32Array.from(document, (_, i) => i).sort(
        (a, b) => sizes.get(cluster[b]!)! - sizes.get(cluster[a]!)! || cluster[a]! - cluster[b]! || a - b,
      );
      let last = -1;
      for (const i of order) {
        if (cluster[i] !== last) starts.push(list.length);
        last = cluster[i]!;
        list.push(document[i]!);
      }
    }
    return { list: Uint32Array.from(list), starts: Uint32Array.from(starts) };
  }

  /** The document that is kept of each of these clusters, by cluster; a cluster of which none is kept is absent. */
  keptCopies(step: string, clusters: Iterable<number>): Map<number, number> {
    const kept = new Map<number, number>();
    const wanted = new Set(clusters);
    const found = this.clusters.find(({ name }) => name === step);
    for (const [i, own] of (found?.cluster ?? new Float64Array()).entries()) {
      const number = found!.document[i]!;
      if (wanted.has(own) && this.outcome[number]! < 0) kept.set(own, number);
    }
    return kept;
  }

  /** Clusters of two or more of a step, documents in them, the largest. */
  clusterCounts(step: string): { clusters: number; members: number; largest: number } {
    const found = this.clusters.find(({ name }) => name === step);
    if (found === undefined) return { clusters: 0, members: 0, largest: 0 };
    const sizes = sizesOf(found.cluster);
    let largest = 0;
    for (const size of sizes.values()) largest = Math.max(largest, size);
    return { clusters: sizes.size, members: found.cluster.length, largest };
  }

  /** The documents of a cluster, at most `limit`, in document order. */
  async members(step: string, cluster: number, limit = 100): Promise<ClusterMember[]> {
    const at = this.clusters.find(({ name }) => name === step);
    if (at === undefined) return [];
    const numbers: number[] = [];
    for (let i = 0; i < at.cluster.length && numbers.length < limit; i++) {
      if (at.cluster[i] === cluster) numbers.push(at.document[i]!);
    }
    const keep = this.run.plan.filter.dedup.find(({ name }) => name === step)?.keep ?? 'first';
    const signal = prioritySignal(keep);
    const members: ClusterMember[] = [];
    for (let from = 0, to = 0; from < numbers.length; from = to) {
      // Those of one unit at once: they are ascending.
      const unit = this.unitOf(numbers[from]!);
      while (to < numbers.length && numbers[to]! < unit.first + unit.rows) to++;
      const indices = numbers.slice(from, to).map((number) => number - unit.first);
      for (const row of await readDocumentRows(unit, indices, signal === null ? [] : [signal])) {
        const { index, id, url, excerpt, values } = row;
        const number = unit.first + index;
        const priority = signal === null ? null : (values[signal] ?? null);
        members.push({ number, id, url, excerpt, reason: this.reasonAt(number), priority });
      }
    }
    return members;
  }

  close(): Promise<void> {
    return this.texts.close();
  }

  private name(outcome: number): string {
    const { rules, dedup } = this.run.plan.filter;
    return reasonOf(
      rules,
      dedup.map(({ name }) => name),
      outcome,
    );
  }

  private matcher(filter: DocumentFilter): (outcome: number) => boolean {
    if (filter === 'all') return () => true;
    if (filter === 'kept') return (outcome) => outcome < 0;
    if (filter === 'dropped') return (outcome) => outcome >= 0;
    return (outcome) => this.name(outcome) === filter;
  }

  private unitOf(number: number): SignalUnit {
    const { units } = this.run;
    const behind = firstIndex(units.length, (i) => units[i]!.first > number);
    return units[Math.max(0, behind - 1)]!;
  }

  private signalsOf(value: (name: string) => number | null): DocumentSignal[] {
    const { rules } = this.run.plan.filter;
    return this.signals.flatMap((name): DocumentSignal[] => {
      const measured = value(name);
      const own = rules.filter((rule) => rule.signal === name);
      if (own.length === 0) return [{ name, value: measured }];
      return own.map((rule) => {
        const margin =
          rule.side === 'min' ? (measured ?? Number.NaN) - rule.bound : rule.bound - (measured ?? Number.NaN);
        return { name, value: measured, rule, margin };
      });
    });
  }

  private copiesOf(number: number): RunDocument['copies'] {
    return this.clusters.flatMap(({ name, cluster, document }) => {
      const at = placeOf(document, number);
      if (at < 0) return [];
      const own = cluster[at]!;
      let size = 0;
      for (const other of cluster) if (other === own) size++;
      return [{ step: name, cluster: own, size }];
    });
  }
}

/** Documents of each cluster, by its number. */
function sizesOf(clusters: Float64Array): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const own of clusters) sizes.set(own, (sizes.get(own) ?? 0) + 1);
  return sizes;
}

/** Place of `number` in ascending `numbers`, or -1. */
function placeOf(numbers: Float64Array, number: number): number {
  const place = firstIndex(numbers.length, (i) => numbers[i]! >= number);
  return numbers[place] === number ? place : -1;
}
