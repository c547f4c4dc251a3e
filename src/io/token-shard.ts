/**
 * Token shards in datatrove's format, byte for byte, so that Nanotron reads them; and beside each a table of where its tokens come from.
 *
 *   x.ds             token ids, little-endian, uint16 for vocabularies up to 65,536 entries, else uint32; no header
 *   x.ds.index       little-endian uint64 per document: end, in tokens, counted from the start of the shard
 *   x.ds.metadata    three lines without a last newline: `tokenizer|bytes per token`, number of tokens, the number for people ("1.50 kT")
 *   x.ds.loss        optional, one byte per token: 1 where the loss counts
 *   x.provenance.parquet   ours: where the tokens of every document or piece of one come from (token-provenance.ts)
 *
 * Padding is an entry of the index like a document, so that a reader that masks by documents keeps it apart; its loss is 0 and it has no
 * row in the provenance.
 *
 * Sources: datatrove `pipeline/tokens/tokenizer.py` (TokenizedFile) and `utils/dataset.py`; humanize `metric` for the third line.
 * The writer streams: memory does not grow with tokens. Files appear under their names when the shard is whole, metadata last.
 */
import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { endianness } from 'node:os';
import { InputError, invariant, messageOf, UserError } from '../core/errors.ts';
import { AtomicFile, writeFileAtomic } from './atomic.ts';
import { metricTokens } from './metric-tokens.ts';
import { openInput } from './open-input.ts';
import { type DocumentOrigin, ProvenanceWriter, provenancePath } from './token-provenance.ts';

export { type DocumentOrigin, provenancePath } from './token-provenance.ts';

const bufferBytes = 1 << 20;

export interface TokenShardOptions {
  /** First line of the metadata; Nanotron compares it with the configured tokenizer. */
  tokenizerName: string;
  vocabSize: number;
  /** Write `.ds.loss`; then every document needs `loss`, or counts in full. */
  lossMask?: boolean;
}

/** Bytes per token for a vocabulary. */
export function tokenBytes(vocabSize: number): 2 | 4 {
  return vocabSize <= 65_536 ? 2 : 4;
}

export class TokenShardWriter {
  readonly path: string;
  readonly tokenBytes: 2 | 4;
  /** Tokens so far, padding included; documents and pieces of documents; padding tokens. */
  tokens = 0;
  documents = 0;
  padding = 0;
  private readonly options: TokenShardOptions;
  private readonly ids: Sink;
  private readonly index: Sink;
  private readonly loss: Sink | undefined;
  private readonly provenance: ProvenanceWriter;

  constructor(path: string, options: TokenShardOptions) {
    if (!path.endsWith('.ds')) throw new UserError(`${path}: a token shard is named .ds`);
    if (/[\n|]/.test(options.tokenizerName))
      throw new UserError(`the tokenizer name "${options.tokenizerName}" holds a line break or "|"`);
    this.path = path;
    this.options = options;
    this.tokenBytes = tokenBytes(options.vocabSize);
    this.ids = new Sink(path);
    this.index = new Sink(`${path}.index`);
    this.loss = options.lossMask === true ? new Sink(`${path}.loss`) : undefined;
    this.provenance = new ProvenanceWriter(provenancePath(path));
  }

  /** Appends one document, or a piece of one. An empty one is refused: its index entry would repeat the one before. */
  async add(tokens: ArrayLike<number>, origin: DocumentOrigin): Promise<void> {
    const n = tokens.length;
    const { docId, loss } = origin;
    invariant(n > 0, `the document ${docId} has no tokens`);
    if (loss !== undefined)
      invariant(loss.length === n, `the document ${docId} has ${n} tokens and ${loss.length} loss entries`);
    const start = this.tokens;
    const mask = loss === undefined ? undefined : Uint8Array.from(loss, (counts) => (counts ? 1 : 0));
    await this.append(tokens, mask, `the document ${docId}`);
    this.documents++;
    await this.provenance.add(start, this.tokens, origin);
  }

  /** Appends `n` times the token `id` where no loss counts. Needs `lossMask`. */
  async addPadding(id: number, n: number): Promise<void> {
    invariant(this.loss !== undefined, `padding in ${this.path}, which has no loss mask`);
    await this.append(new Uint32Array(n).fill(id), new Uint8Array(n), 'padding');
    this.padding += n;
  }

  /** `loss`: left out where all of it counts. */
  private async append(tokens: ArrayLike<number>, loss: Uint8Array | undefined, what: string): Promise<void> {
    const n = tokens.length;
    const ids = this.tokenBytes === 2 ? new Uint16Array(n) : new Uint32Array(n);
    const outside = firstOutside(tokens, this.options.vocabSize);
    if (outside !== undefined)
      throw new UserError(
        `${what} has the token ${outside}, outside the vocabulary of ${this.options.vocabSize}`,
        { hint: 'use the tokenizer that made the tokens' },
      );
    ids.set(tokens);
    this.tokens += n;
    await this.ids.write(littleEndian(ids));
    const end = new Uint8Array(8);
    new DataView(end.buffer).setBigUint64(0, BigInt(this.tokens), true);
    await this.index.write(end);
    if (this.loss !== undefined) await this.loss.write(loss ?? new Uint8Array(n).fill(1));
  }

  /** Puts all files in place and returns their checksums by name. */
  async finish(): Promise<{
    tokens: number;
    documents: number;
    bytes: number;
    sha256: string;
    files: Record<string, string>;
  }> {
    const ids = await this.ids.commit();
    const index = await this.index.commit();
    const loss = await this.loss?.commit();
    // A mask left by an earlier shard of this name would be taken for this one's.
    if (loss === undefined) await rm(`${this.path}.loss`, { force: true });
    const provenance = await this.provenance.finish();
    const { tokenizerName } = this.options;
    await writeFileAtomic(
      `${this.path}.metadata`,
      `${tokenizerName}|${this.tokenBytes}\n${this.tokens}\n${metricTokens(this.tokens)}`,
    );
    const files = {
      '.ds': ids.sha256,
      '.ds.index': index.sha256,
      ...(loss === undefined ? {} : { '.ds.loss': loss.sha256 }),
      '.provenance.parquet': provenance.sha256,
    };
    return { tokens: this.tokens, documents: this.documents, bytes: ids.bytes, sha256: ids.sha256, files };
  }

  async abort(): Promise<void> {
    for (const sink of [this.ids, this.index, this.loss]) await sink?.abort();
    await this.provenance.abort();
  }
}

/** The first token that is not an id of the vocabulary. */
function firstOutside(tokens: ArrayLike<number>, vocabSize: number): number | undefined {
  for (let i = 0; i < tokens.length; i++) if (!(tokens[i]! >= 0 && tokens[i]! < vocabSize)) return tokens[i];
  return undefined;
}

/** The bytes of the numbers, lowest first; a view where the machine has them so. */
function littleEndian(values: Uint16Array | Uint32Array): Uint8Array {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  if (endianness() === 'LE') return bytes;
  return values.BYTES_PER_ELEMENT === 2 ? bytes.swap16() : bytes.swap32();
}

/** Bytes gathered into large writes of an atomic file. */
class Sink {
  private readonly path: string;
  private file: AtomicFile | undefined;
  private readonly buffer = new Uint8Array(bufferBytes);
  private used = 0;

  constructor(path: string) {
    this.path = path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.used + bytes.length > this.buffer.length) await this.flush();
    if (bytes.length > this.buffer.length) {
      await (await this.target()).write(bytes);
      return;
    }
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  async commit(): Promise<{ bytes: number; sha256: string }> {
    await this.flush();
    return (await this.target()).commit();
  }

  async abort(): Promise<void> {
    await this.file?.abort();
  }

  private async flush(): Promise<void> {
    const file = await this.target();
    await file.write(this.buffer.subarray(0, this.used));
    this.used = 0;
  }

  private async target(): Promise<AtomicFile> {
    this.file ??= await AtomicFile.create(this.path);
    return this.file;
  }
}

export interface TokenShard {
  path: string;
  tokenizerName: string;
  tokenCount: number;
  tokenBytes: 2 | 4;
  /** Ends in tokens; every document ends behind the one before. */
  documentEnds: Float64Array;
  hasLoss: boolean;
  /** Tokens `[start, start + n)`. */
  read(start: number, n: number): Promise<Uint32Array>;
  /** Loss mask of the same range; all ones without `.ds.loss`. */
  readLoss(start: number, n: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The three lines beside a shard; `openTokenShard` also checks them against the bytes. */
export async function readShardMetadata(
  path: string,
): Promise<{ tokenizerName: string; tokenCount: number; tokenBytes: 2 | 4 }> {
  const lines = (await part(path, '.metadata')).toString('utf8').split('\n');
  const [, tokenizerName, size] = /^(.*)\|(2|4)$/.exec(lines[0] ?? '') ?? [];
  const tokenCount = Number(lines[1]);
  if (tokenizerName === undefined || !Number.isSafeInteger(tokenCount) || tokenCount < 0) {
    throw new InputError(
      `${path}.metadata`,
      `is not "tokenizer|bytes" and a number of tokens: ${JSON.stringify(lines.slice(0, 2).join('\n').slice(0, 80))}`,
    );
  }
  return { tokenizerName, tokenCount, tokenBytes: Number(size) as 2 | 4 };
}

/** Opens a shard and checks its parts against each other. */
export async function openTokenShard(path: string): Promise<TokenShard> {
  const { tokenizerName, tokenCount, tokenBytes: width } = await readShardMetadata(path);
  const documentEnds = readIndex(path, await part(path, '.index'), tokenCount);
  const handle = await openInput(path);
  const hasLoss = existsSync(`${path}.loss`);
  const lossHandle = hasLoss ? await open(`${path}.loss`, 'r') : undefined;
  const close = async (): Promise<void> => {
    await handle.close();
    await lossHandle?.close();
  };
  try {
    await checkSize(path, handle, tokenCount * width);
    if (lossHandle !== undefined) await checkSize(`${path}.loss`, lossHandle, tokenCount);
  } catch (error) {
    await close();
    throw error;
  }
  const check = (start: number, n: number): void => {
    invariant(
      start >= 0 && n >= 0 && start + n <= tokenCount,
      `tokens ${start} to ${start + n} of ${tokenCount} in ${path}`,
    );
  };
  return {
    path,
    tokenizerName,
    tokenCount,
    tokenBytes: width,
    documentEnds,
    hasLoss,
    async read(start, n) {
      check(start, n);
      return toTokens(await readExactly(path, handle, start * width, n * width), width);
    },
    async readLoss(start, n) {
      check(start, n);
      return lossHandle === undefined
        ? new Uint8Array(n).fill(1)
        : readExactly(`${path}.loss`, lossHandle, start, n);
    },
    close,
  };
}

async function part(path: string, suffix: string): Promise<Buffer> {
  try {
    return await readFile(path + suffix);
  } catch (error) {
    throw new InputError(path + suffix, `cannot be read: ${messageOf(error)}`, {
      hint: 'a token shard is a .ds file with .ds.index and .ds.metadata beside it',
      cause: error,
    });
  }
}

function readIndex(path: string, bytes: Buffer, tokenCount: number): Float64Array {
  const file = `${path}.index`;
  if (bytes.length % 8 !== 0) throw new InputError(file, `has ${bytes.length} bytes, not a multiple of 8`);
  const ends = new Float64Array(bytes.length / 8);
  let previous = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = Number(bytes.readBigUInt64LE(i * 8));
    if (end < previous || end > tokenCount)
      throw new InputError(file, `document ${i} ends at token ${end}, behind ${previous} of ${tokenCount}`, {
        place: `entry ${i}`,
      });
    ends[i] = previous = end;
  }
  if (previous !== tokenCount)
    throw new InputError(file, `the last document ends at token ${previous} of ${tokenCount}`);
  return ends;
}

async function checkSize(path: string, handle: FileHandle, expected: number): Promise<void> {
  const { size } = await handle.stat();
  if (size !== expected)
    throw new InputError(path, `has ${size} bytes; its metadata says ${expected}`, {
      hint: 'make the shard again',
    });
}

async function readExactly(path: string, handle: FileHandle, start: number, n: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(n);
  for (let filled = 0; filled < n; ) {
    const { bytesRead } = await handle.read(bytes, filled, n - filled, start + filled);
    if (bytesRead === 0)
      throw new InputError(path, `ends at byte ${start + filled}`, { hint: 'make the shard again' });
    filled += bytesRead;
  }
  return bytes;
}

function toTokens(bytes: Uint8Array, width: 2 | 4): Uint32Array {
  if (endianness() === 'LE') {
    return width === 4
      ? new Uint32Array(bytes.buffer, 0, bytes.length / 4)
      : Uint32Array.from(new Uint16Array(bytes.buffer, 0, bytes.length / 2));
  }
  const view = new DataView(bytes.buffer);
  return Uint32Array.from({ length: bytes.length / width }, (_, i) =>
    width === 4 ? view.getUint32(i * 4, true) : view.getUint16(i * 2, true),
  );
}
