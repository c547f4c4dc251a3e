/** A token shard of a mixture being written: windows in, files of a manifest out. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { invariant } from '../core/errors.ts';
import { sha256OfFile } from '../io/file-hash.ts';
import { provenancePath, TokenShardWriter } from '../io/token-shard.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { WrittenFile } from './mix-manifest.ts';
import type { SourceWindow } from './source-windows.ts';

/** What stands where a window is not filled: the tokenizer's padding token, else its end token. */
export function paddingToken(tokenizer: Tokenizer): number {
  const id = tokenizer.padId ?? tokenizer.eosId;
  invariant(id !== undefined, `tokenizer ${tokenizer.name} has no end token`);
  return id;
}

export class ShardFile {
  private readonly folder: string;
  private readonly tokenizer: Tokenizer;
  private readonly writer: TokenShardWriter;

  /** `<output>/<id>.ds` and what lies beside it. `padded`: its windows may hold padding, so it has `.ds.loss`. */
  constructor(output: string, id: string, tokenizer: Tokenizer, { padded = false } = {}) {
    this.folder = dirname(id);
    this.tokenizer = tokenizer;
    this.writer = new TokenShardWriter(join(output, `${id}.ds`), {
      tokenizerName: tokenizer.name,
      vocabSize: tokenizer.vocabSize,
      ...(padded ? { lossMask: true } : {}),
    });
  }

  /** Appends one sequence; each of its pieces becomes a document of the shard, and its padding another. */
  async add({ pieces, padding }: SourceWindow, source: string): Promise<void> {
    for (const { id, url, tokens, offset, pass } of pieces)
      await this.writer.add(tokens, { docId: id, source, url: url === '' ? null : url, offset, pass });
    if (padding > 0) await this.writer.addPadding(paddingToken(this.tokenizer), padding);
  }

  /** Puts the files in place; their paths are relative to the output folder. */
  async finish(): Promise<WrittenFile[]> {
    const { tokens, files } = await this.writer.finish();
    const { path } = this.writer;
    const listed: WrittenFile[] = [];
    const add = async (file: string, sha256: string | undefined, more = {}) => {
      if (sha256 === undefined) return;
      const { size } = await stat(file);
      listed.push({ path: `${this.folder}/${basename(file)}`, bytes: size, sha256, ...more });
    };
    await add(path, files['.ds'], { tokens });
    await add(`${path}.index`, files['.ds.index']);
    await add(`${path}.loss`, files['.ds.loss']);
    await add(`${path}.metadata`, await sha256OfFile(`${path}.metadata`));
    await add(provenancePath(path), files['.provenance.parquet']);
    return listed;
  }

  async abort(): Promise<void> {
    await this.writer.abort();
  }
}
