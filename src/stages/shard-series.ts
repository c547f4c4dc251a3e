/**
 * A run of token shards in one folder: `00000.ds`, `00001.ds`, ... of a bounded number of sequences each, or one shard of a given name.
 * Readers take them in the order of their names.
 */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { invariant } from '../core/errors.ts';
import { sha256OfFile } from '../io/file-hash.ts';
import { provenancePath, TokenShardWriter } from '../io/token-shard.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { WrittenFile } from './mix-manifest.ts';
import type { SourceWindow } from './source-windows.ts';

export interface ShardSeriesOptions {
  tokenizer: Tokenizer;
  /** Sequences after which the next shard begins; left out: one shard. */
  sequencesPerShard?: number;
  /** Name of the one shard. */
  name?: string;
  /** The windows may hold padding: write `.ds.loss`. */
  padded?: boolean;
  /** The folder's name in the list of files; default: its own. */
  label?: string;
}

/** What stands where a window is not filled: the tokenizer's padding token, else its end token. */
export function paddingToken(tokenizer: Tokenizer): number {
  const id = tokenizer.padId ?? tokenizer.eosId;
  invariant(id !== undefined, `tokenizer ${tokenizer.name} has no end token`);
  return id;
}

export class ShardSeries {
  private readonly folder: string;
  private readonly options: ShardSeriesOptions;
  private readonly files: WrittenFile[] = [];
  private current: TokenShardWriter | undefined;
  private inCurrent = 0;
  private shards = 0;

  constructor(folder: string, options: ShardSeriesOptions) {
    this.folder = folder;
    this.options = options;
  }

  /** Appends one sequence; each of its pieces becomes a document of the shard, and its padding another. */
  async add({ pieces, padding }: SourceWindow, source: string): Promise<void> {
    const { tokenizer, name, padded } = this.options;
    if (this.current === undefined) {
      const file = `${name ?? String(this.shards).padStart(5, '0')}.ds`;
      this.current = new TokenShardWriter(join(this.folder, file), {
        tokenizerName: tokenizer.name,
        vocabSize: tokenizer.vocabSize,
        ...(padded === true ? { lossMask: true } : {}),
      });
      this.inCurrent = 0;
    }
    for (const { id, url, tokens, offset, pass } of pieces)
      await this.current.add(tokens, { docId: id, source, url: url === '' ? null : url, offset, pass });
    if (padding > 0) await this.current.addPadding(paddingToken(tokenizer), padding);
    if (++this.inCurrent === this.options.sequencesPerShard) await this.close();
  }

  /** Every file written, in order, with paths relative to the folder above. */
  async finish(): Promise<WrittenFile[]> {
    await this.close();
    return this.files;
  }

  async abort(): Promise<void> {
    await this.current?.abort();
    this.current = undefined;
  }

  private async close(): Promise<void> {
    const writer = this.current;
    if (writer === undefined) return;
    // It stays the current one until it is whole: a disk that fills up here must not keep its half of a file.
    const { tokens, files } = await writer.finish();
    this.current = undefined;
    this.shards++;
    const label = this.options.label ?? basename(this.folder);
    const add = async (path: string, sha256: string | undefined, more = {}) => {
      if (sha256 === undefined) return;
      const { size } = await stat(path);
      this.files.push({ path: `${label}/${basename(path)}`, bytes: size, sha256, ...more });
    };
    const { path } = writer;
    await add(path, files['.ds'], { tokens });
    await add(`${path}.index`, files['.ds.index']);
    await add(`${path}.loss`, files['.ds.loss']);
    await add(`${path}.metadata`, await sha256OfFile(`${path}.metadata`));
    await add(provenancePath(path), files['.provenance.parquet']);
  }
}
