/**
 * The table beside a token shard that traces its tokens to their documents, one row per entry of the shard's index that is not padding:
 * `start` and `end` in the shard, the document's `id`, `source` and `url`, `offset` (where the piece begins in its document, in tokens)
 * and `pass` (how often the source had been read through before).
 */
import { Field, Int32, Int64, type RecordBatch, Schema, Utf8 } from 'apache-arrow';
import { batchOf, int32Vector, int64Vector, stringAt, Utf8Builder } from '../core/batch.ts';
import { InputError } from '../core/errors.ts';
import { firstIndex } from '../core/first-index.ts';
import { openParquet } from './parquet-footer.ts';
import { readRowGroups } from './parquet-read.ts';
import { ParquetOutput } from './parquet-write.ts';

const batchRows = 16_384;

export interface DocumentOrigin {
  docId: string;
  source: string;
  url?: string | null | undefined;
  /** Where the piece begins in its document, in tokens; 0 if left out. */
  offset?: number;
  /** How often the source had been read through before; 0 if left out. */
  pass?: number;
  /** One entry per token, non-zero where the loss counts. */
  loss?: ArrayLike<number | boolean> | undefined;
}

/** Path of the provenance table that belongs to a shard. */
export function provenancePath(shard: string): string {
  return `${shard.replace(/\.ds$/, '')}.provenance.parquet`;
}

const provenanceSchema = new Schema([
  new Field('start', new Int64(), false),
  new Field('end', new Int64(), false),
  new Field('id', new Utf8(), false),
  new Field('source', new Utf8(), false),
  new Field('url', new Utf8(), true),
  new Field('offset', new Int64(), false),
  new Field('pass', new Int32(), false),
]);

export class ProvenanceWriter {
  private readonly output: ParquetOutput;
  private starts: number[] = [];
  private ends: number[] = [];
  private ids = new Utf8Builder();
  private sources = new Utf8Builder();
  private urls = new Utf8Builder();
  private offsets: number[] = [];
  private passes: number[] = [];

  constructor(path: string) {
    this.output = new ParquetOutput(path, provenanceSchema, { rowGroupBytes: 4 << 20 });
  }

  async add(start: number, end: number, origin: DocumentOrigin): Promise<void> {
    const { docId, source, url, offset, pass } = origin;
    this.starts.push(start);
    this.ends.push(end);
    this.ids.append(docId);
    this.sources.append(source);
    this.urls.append(url ?? null);
    this.offsets.push(offset ?? 0);
    this.passes.push(pass ?? 0);
    if (this.starts.length >= batchRows) await this.flush();
  }

  async finish(): Promise<{ sha256: string }> {
    await this.flush();
    return this.output.finish();
  }

  abort(): Promise<void> {
    return this.output.abort();
  }

  private async flush(): Promise<void> {
    const rows = this.starts.length;
    if (rows === 0) return;
    const vectors = [
      int64Vector(this.starts),
      int64Vector(this.ends),
      this.ids.finish(),
      this.sources.finish(),
      this.urls.finish(),
      int64Vector(this.offsets),
      int32Vector(this.passes),
    ];
    await this.output.write(
      batchOf(
        provenanceSchema,
        vectors.map((vector) => vector.data[0]!),
        rows,
      ),
    );
    this.starts = [];
    this.ends = [];
    this.ids = new Utf8Builder();
    this.sources = new Utf8Builder();
    this.urls = new Utf8Builder();
    this.offsets = [];
    this.passes = [];
  }
}

/** A row of the table. `offset` and `pass` are missing in tables of old versions. */
export interface ProvenanceRow {
  start: number;
  end: number;
  id: string;
  source: string;
  url: string | null;
  offset: number | undefined;
  pass: number | undefined;
}

/**
 * The row whose tokens hold `position`, or `undefined` where no document stands there (padding). Reads one row group, found by the
 * statistics of `start`, or the groups up to it where there are none. Throws an `InputError` for a table that is damaged.
 */
export async function findProvenance(path: string, position: number): Promise<ProvenanceRow | undefined> {
  const file = await openParquet(path);
  try {
    const groups = file.metadata.row_groups;
    const firstStarts = groups.map((group) => {
      const column = group.columns.find((c) => c.meta_data?.path_in_schema[0] === 'start');
      const least = column?.meta_data?.statistics?.min_value;
      return typeof least === 'bigint' || typeof least === 'number' ? Number(least) : undefined;
    });
    const known = firstStarts.every((start) => start !== undefined);
    const last = known ? firstStarts.findLastIndex((start) => start! <= position) : groups.length - 1;
    if (last < 0) return undefined;
    for await (const item of readRowGroups(file, [known ? last : 0, last + 1], {})) {
      if (item.kind === 'failed')
        throw new InputError(path, `cannot be read: ${item.problem}`, {
          place: `row group ${item.rowGroup}`,
        });
      const found = rowAt(path, item.records, position);
      if (found !== undefined) return found;
    }
    return undefined;
  } finally {
    await file.handle.close();
  }
}

function rowAt(path: string, records: RecordBatch, position: number): ProvenanceRow | undefined {
  for (const name of ['start', 'end', 'id', 'source', 'url'])
    if (records.getChild(name) === null)
      throw new InputError(path, `has no column ${name}`, { hint: 'it is not a table that midtrain wrote' });
  const number = (column: string, row: number): number | undefined => {
    const value: unknown = records.getChild(column)?.get(row);
    return value === undefined || value === null ? undefined : Number(value);
  };
  const row = firstIndex(records.numRows, (i) => number('end', i)! > position);
  if (row === records.numRows || number('start', row)! > position) return undefined;
  return {
    start: number('start', row)!,
    end: number('end', row)!,
    id: stringAt(records, 'id', row) ?? '',
    source: stringAt(records, 'source', row) ?? '',
    url: stringAt(records, 'url', row),
    offset: number('offset', row),
    pass: number('pass', row),
  };
}
