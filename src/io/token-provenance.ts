/**
 * The table beside a token shard that traces its tokens to their documents: start, end, id, source, url, one row per document.
 */
import { Field, Int64, Schema, Utf8 } from 'apache-arrow';
import { batchOf, int64Vector, Utf8Builder } from '../core/batch.ts';
import { ParquetOutput } from './parquet-write.ts';

const batchRows = 16_384;

export interface DocumentOrigin {
  docId: string;
  source: string;
  url?: string | null | undefined;
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
]);

export class ProvenanceWriter {
  private readonly output: ParquetOutput;
  private starts: number[] = [];
  private ends: number[] = [];
  private ids = new Utf8Builder();
  private sources = new Utf8Builder();
  private urls = new Utf8Builder();

  constructor(path: string) {
    this.output = new ParquetOutput(path, provenanceSchema, { rowGroupBytes: 16 << 20 });
  }

  async add(start: number, end: number, { docId, source, url }: DocumentOrigin): Promise<void> {
    this.starts.push(start);
    this.ends.push(end);
    this.ids.append(docId);
    this.sources.append(source);
    this.urls.append(url ?? null);
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
  }
}
