/**
 * A run of token shards in one folder: `00000.ds`, `00001.ds`, ... of a bounded number of sequences each, or one shard of a given name.
 * Readers take them in the order of their names.
 */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sha256OfFile } from '../io/file-hash.ts';
import { provenancePath, TokenShardWriter } from '../io/token-shard.ts';
import type { Window } from '../tokens/pack.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { WrittenFile } from './mix-manifest.ts';

export interface ShardSeriesOptions {
  tokenizer: Tokenizer;
  /** Sequences after which the next shard begins; left out: one shard. */
  sequencesPerShard?: number;
  /** Name of the one shard. */
  name?: string;
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

  /** Appends one sequence; each of its pieces becomes a document of the shard. */
  async add(window: Window<{ id: string; url: string }>, source: string): Promise<void> {
    if (this.current === undefined) {
      const { tokenizer, name } = this.options;
      const file = `${name ?? String(this.shards).padStart(5, '0')}.ds`;
      this.current = new TokenShardWriter(join(this.folder, file), {
        tokenizerName: tokenizer.name,
        vocabSize: tokenizer.vocabSize,
      });
      this.inCurrent = 0;
    }
    for (const { document, tokens } of window) {
      await this.current.add(tokens, {
        docId: document.id,
        source,
        url: document.url === '' ? null : document.url,
      });
    }
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
    this.current = undefined;
    const { tokens } = await writer.finish();
    this.shards++;
    for (const path of [
      writer.path,
      `${writer.path}.index`,
      `${writer.path}.metadata`,
      provenancePath(writer.path),
    ]) {
      const { size } = await stat(path);
      const file: WrittenFile = {
        path: `${basename(this.folder)}/${basename(path)}`,
        bytes: size,
        sha256: await sha256OfFile(path),
      };
      this.files.push(path === writer.path ? { ...file, tokens } : file);
    }
  }
}
