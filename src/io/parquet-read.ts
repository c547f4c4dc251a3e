/**
 * Rows of a Parquet file as Arrow record batches bounded in bytes, pulled page by page.
 *
 * For each batch every column first tells the size of its next rows; the batch takes as many rows as fit the byte limit (at least one), so
 * a row group of any size is cut into batches and memory holds one batch and one page per column. A damaged row group is reported and
 * stepped over; the other row groups of the file are still read.
 */
import type { RecordBatch } from 'apache-arrow';
import { Schema } from 'apache-arrow';
import { batchOf, defaultBatchBytes } from '../core/batch.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { assembleColumn, type LeafLevels } from './parquet-assemble.ts';
import { type ChunkSource, readPages } from './parquet-chunk.ts';
import { type ParquetFile, rowsOf } from './parquet-footer.ts';
import { freePage, type Page } from './parquet-page.ts';
import { type ColumnNode, type LeafNode, leavesOf } from './parquet-schema.ts';

const maxBatchRows = 1 << 17;

export type ParquetItem =
  | { kind: 'batch'; records: RecordBatch; rowGroup: number; firstRow: number }
  | { kind: 'failed'; rows: number; rowGroup: number; firstRow: number; problem: string };

/** Row groups `[first, end)` of an open file. `only` names the top-level columns to read. */
export async function* readRowGroups(
  file: ParquetFile,
  [first, end]: readonly [number, number],
  options: { batchBytes?: number; only?: readonly string[] } = {},
): AsyncGenerator<ParquetItem> {
  let firstRow = 0;
  for (let i = 0; i < first; i++) firstRow += rowsOf(file.metadata.row_groups[i]!);
  for (let i = first; i < end; i++) {
    const rows = rowsOf(file.metadata.row_groups[i]!);
    let done = 0;
    try {
      for await (const records of readRowGroup(file, i, options)) {
        yield { kind: 'batch', records, rowGroup: i, firstRow: firstRow + done };
        done += records.numRows;
      }
    } catch (error) {
      // Damage is a plain error; what could not be fetched is nothing that the file lacks.
      if (error instanceof InputError) throw error;
      yield {
        kind: 'failed',
        rows: rows - done,
        rowGroup: i,
        firstRow: firstRow + done,
        problem: messageOf(error),
      };
    }
    firstRow += rows;
  }
}

async function* readRowGroup(
  file: ParquetFile,
  index: number,
  { batchBytes = defaultBatchBytes, only }: { batchBytes?: number; only?: readonly string[] },
): AsyncGenerator<RecordBatch> {
  const group = file.metadata.row_groups[index]!;
  const total = rowsOf(group);
  if (total === 0) return;
  const columns =
    only === undefined ? file.columns : file.columns.filter((column) => only.includes(column.name));
  const schema = new Schema(columns.map((column) => column.field));
  const cursors = new Map<LeafNode, LeafCursor>();
  let size = 0;
  for (const [i, leaf] of file.columns.flatMap(leavesOf).entries()) {
    if (!columns.some((column) => column.name === leaf.path[0])) continue;
    const meta = group.columns[i]!.meta_data!;
    if (leaf.repetition === 0 && Number(meta.num_values) !== total) {
      throw new Error(`column "${leaf.path.join('.')}" has ${meta.num_values} values for ${total} rows`);
    }
    size += Number(meta.total_uncompressed_size);
    cursors.set(
      leaf,
      new LeafCursor({ handle: file.handle, fileBytes: file.fileBytes }, leaf, group.columns[i]!.meta_data!),
    );
  }
  const average = Math.max(1, size / Math.max(1, total));
  for (let done = 0; done < total; ) {
    let want = Math.max(1, Math.min(total - done, maxBatchRows, Math.ceil((batchBytes / average) * 2)));
    const costs = new Float64Array(want);
    for (const cursor of cursors.values()) want = await cursor.measure(want, costs, batchBytes);
    let rows = 0;
    for (let sum = 0; rows < want; rows++) {
      sum += costs[rows]!;
      if (sum > batchBytes && rows > 0) break;
    }
    const leaves = new Map<LeafNode, LeafLevels>();
    for (const [leaf, cursor] of cursors) leaves.set(leaf, cursor.take(rows));
    const data = columns.map((column) => assemble(column, leaves, rows));
    for (const cursor of cursors.values()) cursor.freeTaken();
    yield batchOf(schema, data, rows);
    done += rows;
  }
  for (const cursor of cursors.values()) await cursor.finish();
}

function assemble(
  column: ColumnNode,
  leaves: ReadonlyMap<LeafNode, LeafLevels>,
  rows: number,
): ReturnType<typeof assembleColumn> {
  const data = assembleColumn(column, leaves);
  if (data.length !== rows)
    throw new Error(`column "${column.name}" has ${data.length} rows where ${rows} are expected`);
  return data;
}

type Meta = Parameters<typeof readPages>[1];

/** Position in the pages of one leaf column; hands out whole rows. */
class LeafCursor {
  private readonly leaf: LeafNode;
  private readonly pages: AsyncGenerator<Page>;
  private readonly loaded: Page[] = [];
  private taken: Page[] = [];
  /** Next level and next value in `loaded[0]`. */
  private level = 0;
  private value = 0;
  private ended = false;

  constructor(source: ChunkSource, leaf: LeafNode, meta: Meta) {
    this.leaf = leaf;
    this.pages = readPages(source, meta, {
      type: meta.type,
      typeLength: leaf.element.type_length,
      codec: meta.codec,
      maxDefinition: leaf.definition,
      maxRepetition: leaf.repetition,
    });
  }

  /** Adds the bytes of up to `want` rows to `costs`; returns how many whole rows it looked at, fewer once they exceed `budget` bytes. */
  async measure(want: number, costs: Float64Array, budget: number): Promise<number> {
    const { repetition: nested, definition: max } = this.leaf;
    let row = -1;
    let sum = 0;
    for (let p = 0; ; p++) {
      if (nested === 0 && row + 1 === want) return want;
      if (p === this.loaded.length && !(await this.load())) {
        if (row + 1 < want)
          throw new Error(`column "${this.leaf.path.join('.')}" ends after ${row + 1} of ${want} rows`);
        return row + 1;
      }
      const page = this.loaded[p]!;
      let value = p === 0 ? this.value : 0;
      const { values, definition, repetition } = page;
      const width = values.kind === 'bytes' ? 4 : values.width * values.array.BYTES_PER_ELEMENT;
      for (let i = p === 0 ? this.level : 0; i < page.levels; i++) {
        if (nested === 0 || repetition![i] === 0) {
          // The row before is whole now.
          if (row + 1 === want || (sum > budget && row >= 0)) return row + 1;
          row++;
        } else if (row < 0) {
          throw new Error(`column "${this.leaf.path.join('.')}" begins in the middle of a row`);
        }
        let bytes = width;
        if (definition === undefined || definition[i] === max) {
          if (values.kind === 'bytes') bytes += values.ends[value]! - values.starts[value]!;
          value++;
        }
        costs[row]! += bytes;
        sum += bytes;
      }
    }
  }

  /** The levels and values of the next `rows` rows, which `measure` has loaded. */
  take(rows: number): LeafLevels {
    const { repetition: nested, definition: max } = this.leaf;
    const definitions: Uint8Array[] = [];
    const repetitions: Uint8Array[] = [];
    const pieces: LeafLevels['pieces'] = [];
    let levels = 0;
    let left = rows;
    while (left > 0 || (nested > 0 && this.continues())) {
      const page = this.loaded[0]!;
      const from = this.level;
      let to = from;
      if (nested === 0) {
        to = Math.min(page.levels, from + left);
        left -= to - from;
      } else {
        for (; to < page.levels; to++) {
          if (page.repetition![to] !== 0) continue;
          if (left === 0) break;
          left--;
        }
      }
      let values = to - from;
      if (page.definition !== undefined) {
        const part = page.definition.subarray(from, to);
        definitions.push(part);
        values = 0;
        for (const level of part) if (level === max) values++;
      }
      if (page.repetition !== undefined) repetitions.push(page.repetition.subarray(from, to));
      if (values > 0) pieces.push({ values: page.values, start: this.value, end: this.value + values });
      levels += to - from;
      this.level = to;
      this.value += values;
      if (to === page.levels) {
        this.taken.push(page);
        this.loaded.shift();
        this.level = 0;
        this.value = 0;
      } else if (left === 0) {
        break;
      }
    }
    return {
      levels,
      definition: max === 0 ? undefined : join(definitions, levels),
      repetition: nested === 0 ? undefined : join(repetitions, levels),
      maxDefinition: max,
      pieces,
    };
  }

  /** Frees the pages that `take` has handed out whole, whose values must have been copied by now. */
  freeTaken(): void {
    for (const page of this.taken) freePage(page);
    this.taken = [];
  }

  /** Whether the next loaded level belongs to the row just taken. */
  private continues(): boolean {
    const page = this.loaded[0];
    return page !== undefined && page.repetition![this.level] !== 0;
  }

  private async load(): Promise<boolean> {
    if (this.ended) return false;
    const next = await this.pages.next();
    if (next.done) {
      this.ended = true;
      return false;
    }
    this.loaded.push(next.value);
    return true;
  }

  /** After the last row: more pages would mean that the row count is wrong. */
  async finish(): Promise<void> {
    if (this.loaded.length > 0 || (await this.load())) {
      throw new Error(`column "${this.leaf.path.join('.')}" has more rows than the row group declares`);
    }
  }
}

function join(parts: Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
