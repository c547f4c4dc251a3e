/**
 * Reads the table beside a token shard (token-provenance.ts) for ranges of tokens that mostly go forward, as training reads them: the row
 * group in hand is kept, so each is read once. Memory is one row group's.
 */
import { InputError } from '../core/errors.ts';
import { firstIndex } from '../core/first-index.ts';
import { openParquet, type ParquetFile } from './parquet-footer.ts';
import { readRowGroups } from './parquet-read.ts';

/** Tokens `[start, end)` of a shard, from one source. */
export interface SourceRange {
  start: number;
  end: number;
  source: string;
}

interface Group {
  index: number;
  starts: Float64Array;
  ends: Float64Array;
  sources: string[];
}

export class ProvenanceReader {
  private readonly path: string;
  private readonly file: ParquetFile;
  /** Start of the first row of each row group. */
  private readonly firsts: number[];
  private group: Group | undefined;

  private constructor(path: string, file: ParquetFile, firsts: number[]) {
    this.path = path;
    this.file = file;
    this.firsts = firsts;
  }

  /** Undefined where the table's statistics do not say which rows lie where: it is not one that midtrain wrote. */
  static async open(path: string): Promise<ProvenanceReader | undefined> {
    const file = await openParquet(path);
    const firsts = file.metadata.row_groups.map((group) => {
      const column = group.columns.find((c) => c.meta_data?.path_in_schema[0] === 'start');
      const least = column?.meta_data?.statistics?.min_value;
      return typeof least === 'bigint' || typeof least === 'number' ? Number(least) : Number.NaN;
    });
    if (firsts.length > 0 && firsts.every((first) => !Number.isNaN(first)))
      return new ProvenanceReader(path, file, firsts);
    await file.handle.close();
    return undefined;
  }

  /** The documents that hold tokens of `[start, end)`, cut to it, in order; padding is in none. */
  async ranges(start: number, end: number): Promise<SourceRange[]> {
    const found: SourceRange[] = [];
    const first = Math.max(
      0,
      this.firsts.findLastIndex((at) => at <= start),
    );
    for (let g = first; g < this.firsts.length && (g === first || this.firsts[g]! < end); g++) {
      const { starts, ends, sources } = await this.load(g);
      for (
        let row = firstIndex(ends.length, (i) => ends[i]! > start);
        row < starts.length && starts[row]! < end;
        row++
      ) {
        found.push({
          start: Math.max(start, starts[row]!),
          end: Math.min(end, ends[row]!),
          source: sources[row]!,
        });
      }
    }
    return found;
  }

  close(): Promise<void> {
    return this.file.handle.close();
  }

  private async load(index: number): Promise<Group> {
    if (this.group?.index === index) return this.group;
    const starts: number[] = [];
    const ends: number[] = [];
    const sources: string[] = [];
    for await (const item of readRowGroups(this.file, [index, index + 1], {
      only: ['start', 'end', 'source'],
    })) {
      if (item.kind === 'failed')
        throw new InputError(this.path, `cannot be read: ${item.problem}`, { place: `row group ${index}` });
      const { records } = item;
      const columns = ['start', 'end', 'source'].map((name) => records.getChild(name));
      if (columns.includes(null))
        throw new InputError(this.path, 'has not the columns start, end and source', {
          hint: 'it is not a table that midtrain wrote',
        });
      for (let row = 0; row < records.numRows; row++) {
        starts.push(Number(columns[0]!.get(row)));
        ends.push(Number(columns[1]!.get(row)));
        sources.push(String(columns[2]!.get(row)));
      }
    }
    this.group = { index, starts: Float64Array.from(starts), ends: Float64Array.from(ends), sources };
    return this.group;
  }
}
