/**
 * Rows of an Arrow file or stream as record batches bounded in bytes.
 *
 * The batches of the file are cut into windows of rows that fit the byte limit; a window that turns out too large is halved. A damaged
 * batch is reported with its rows and stepped over. Of a stream, batches behind damaged metadata are lost: everything before is
 * delivered, then an `InputError` follows.
 */
import type { Data, RecordBatch } from 'apache-arrow';
import { Schema } from 'apache-arrow';
import { batchOf, defaultBatchBytes } from '../core/batch.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { usedBytes } from '../core/gather.ts';
import { ArrowBody, type BoundBatch, bindBatch, ExpansionBudget, WindowTooLarge } from './arrow-body.ts';
import { type ArrowFile, type ArrowMessage, messageAt, messageOfBlock } from './arrow-file.ts';
import { readWindow } from './arrow-window.ts';

const maxWindowRows = 1 << 17;
/** A single row may be larger than a batch, up to this. */
const maxRowBytes = 512 * 1024 * 1024;
const maxDictionaryBytes = 256 * 1024 * 1024;

export type ArrowItem =
  | { kind: 'batch'; records: RecordBatch; firstRow: number }
  | { kind: 'failed'; rows: number; batch: number; firstRow: number; problem: string };

export interface ArrowReadOptions {
  batchBytes?: number;
  /** Top-level columns to read. */
  only?: readonly string[];
  /** Of a stream without dictionaries: the byte of batch `first`. */
  start?: number;
  /** Number in the file of the first row. */
  firstRow?: number;
}

/** A record batch as the plan sees it. `start`: its byte. `rows` is what it declares, where that can be true. */
export interface ArrowBatchInfo {
  start: number;
  rows: number;
  bytes: number;
}

/** Record batches in order, from headers alone, and the damage that ends the listing early. */
export async function listArrowBatches(
  file: ArrowFile,
): Promise<{ batches: ArrowBatchInfo[]; hasDictionaries: boolean; damage: string | undefined }> {
  const batches: ArrowBatchInfo[] = [];
  const add = (message: ArrowMessage): void => {
    batches.push({ start: message.at, rows: plausibleRows(file, message), bytes: message.end - message.at });
  };
  if (file.kind === 'file') {
    for (const block of file.batches) {
      try {
        add(await messageOfBlock(file, block));
      } catch {
        // Read again, and reported, when its unit is read.
        batches.push({ start: block.at, rows: 1, bytes: block.metadata + block.body });
      }
    }
    return { batches, hasDictionaries: file.dictionaries.length > 0, damage: undefined };
  }
  let hasDictionaries = false;
  let damage = file.damage;
  try {
    for (let at = file.firstMessage; ; ) {
      const message = await messageAt(file.handle, at, file.fileBytes);
      if (message === undefined) break;
      if (message.end > file.fileBytes) throw new Error(`the stream is cut short at byte ${file.fileBytes}`);
      if (message.kind === 'batch') add(message);
      else if (message.kind === 'dictionary') hasDictionaries = true;
      at = message.end;
    }
  } catch (error) {
    damage ??= messageOf(error);
  }
  return { batches, hasDictionaries, damage };
}

/** The declared rows, or 1 where the columns contradict them: a number out of nothing must not enter the ledger. */
function plausibleRows(file: ArrowFile, message: ArrowMessage): number {
  try {
    return bind(file, message).rows;
  } catch {
    return 1;
  }
}

function bind(file: ArrowFile, message: ArrowMessage): BoundBatch {
  const bytes = Math.min(message.end, file.fileBytes) - message.body;
  return bindBatch(message.header!, file.layout.nodes, bytes, file.legacyUnions);
}

/** Record batches `[first, end)`. */
export async function* readArrowBatches(
  file: ArrowFile,
  [first, end]: readonly [number, number],
  options: ArrowReadOptions = {},
): AsyncGenerator<ArrowItem> {
  const state = new ReadState(file, options);
  state.firstRow = options.firstRow ?? 0;
  if (file.kind === 'file') {
    let problem: string | undefined;
    for (const block of file.dictionaries) {
      try {
        await state.dictionary(await messageOfBlock(file, block));
      } catch (error) {
        problem ??= messageOf(error);
      }
    }
    for (let i = first; i < Math.min(end, file.batches.length); i++) {
      try {
        yield* state.batch(await messageOfBlock(file, file.batches[i]!), i, problem);
      } catch (error) {
        yield { kind: 'failed', rows: 1, batch: i, firstRow: state.firstRow++, problem: messageOf(error) };
      }
    }
    return;
  }
  let batch = options.start === undefined ? 0 : first;
  let problem: string | undefined;
  for (let at = options.start ?? file.firstMessage; batch < end; ) {
    let message: ArrowMessage | undefined;
    try {
      message = await messageAt(file.handle, at, file.fileBytes);
      if (message !== undefined && message.end > file.fileBytes)
        throw new Error(`the stream is cut short at byte ${file.fileBytes}`);
    } catch (error) {
      throw lost(file, file.damage ?? messageOf(error), at, batch);
    }
    if (message === undefined) break;
    if (message.kind === 'dictionary') {
      problem = undefined;
      await state.dictionary(message).catch((error: unknown) => {
        problem = messageOf(error);
      });
    } else if (message.kind === 'batch') {
      if (batch >= first) yield* state.batch(message, batch, problem);
      batch++;
    }
    at = message.end;
  }
  if (file.damage !== undefined && end === Number.POSITIVE_INFINITY)
    throw lost(file, file.damage, file.fileBytes, batch);
}

function lost(file: ArrowFile, problem: string, at: number, batch: number): InputError {
  return new InputError(file.path, problem, {
    place: `byte ${at}, record batch ${batch}`,
    hint: 'download or write the file again',
  });
}

class ReadState {
  firstRow = 0;
  private readonly file: ArrowFile;
  private readonly batchBytes: number;
  private readonly chosen: number[];
  private readonly schema: Schema;
  private readonly dictionaries = new Map<number, Data>();
  private readonly expansion = new ExpansionBudget();

  constructor(file: ArrowFile, { batchBytes = defaultBatchBytes, only }: ArrowReadOptions) {
    this.file = file;
    this.batchBytes = batchBytes;
    const { fields } = file.schema;
    this.chosen = [...fields.keys()].filter((i) => only === undefined || only.includes(fields[i]!.name));
    this.schema = new Schema(this.chosen.map((i) => fields[i]!));
  }

  async dictionary(message: ArrowMessage): Promise<void> {
    const { id, delta } = message.dictionary!;
    this.dictionaries.delete(id);
    const node = this.file.layout.dictionaries.get(id);
    if (node === undefined) throw new Error(`dictionary ${id} belongs to no column`);
    if (delta) throw new Error(`dictionary ${id} is continued by a delta, which is not supported`);
    const bytes = Math.min(message.end, this.file.fileBytes) - message.body;
    const bound = bindBatch(message.header!, [node], bytes, this.file.legacyUnions);
    if (bound.rows > 0x7fffffff) throw new Error(`dictionary ${id} declares ${bound.rows} values`);
    const body = new ArrowBody(this.file.handle, message.body, bound.codec, this.expansion);
    body.budget = maxDictionaryBytes;
    try {
      this.dictionaries.set(id, await readWindow(body, bound.columns[0]!, 0, bound.rows, this.dictionaries));
    } catch (error) {
      if (error instanceof WindowTooLarge)
        throw new Error(`dictionary ${id} has more than ${maxDictionaryBytes} bytes`);
      throw error;
    }
  }

  /** The rows of one record batch; what is damaged becomes a failed item. */
  async *batch(
    message: ArrowMessage,
    number: number,
    problem: string | undefined,
  ): AsyncGenerator<ArrowItem> {
    let done = 0;
    let rows = 1;
    const first = this.firstRow;
    try {
      const bound = bind(this.file, message);
      rows = bound.rows;
      if (problem !== undefined) throw new Error(problem);
      const body = new ArrowBody(this.file.handle, message.body, bound.codec, this.expansion);
      const bytes = Math.min(message.end, this.file.fileBytes) - message.body;
      if (bytes <= 2 * this.batchBytes && this.chosen.length > 0) await body.load(bytes);
      const perRow = Math.max(bytes / Math.max(1, rows), 1 / 16);
      let want = Math.max(1, Math.min(rows, maxWindowRows, Math.floor(this.batchBytes / perRow)));
      while (done < rows) {
        const n = Math.min(want, rows - done);
        body.budget = n === 1 ? maxRowBytes : 2 * this.batchBytes;
        let data: Data[];
        try {
          data = await this.window(body, bound, done, n);
        } catch (error) {
          if (!(error instanceof WindowTooLarge)) throw error;
          if (n === 1)
            throw new Error(`row ${first + done} has more than ${maxRowBytes} bytes (${error.message})`);
          want = n >> 1;
          continue;
        }
        const used = data.reduce((sum, part) => sum + usedBytes(part), 0);
        if (used > this.batchBytes && n > 1 && want > 1) {
          want = Math.max(1, Math.floor((n * this.batchBytes) / used / 1.1));
          if (want < n) continue;
        }
        yield { kind: 'batch', records: batchOf(this.schema, data, n), firstRow: first + done };
        done += n;
        // Rows after a run of large ones may be small again.
        want = Math.min(
          maxWindowRows,
          Math.max(1, Math.floor((n * this.batchBytes) / Math.max(1, used))),
          want * 2,
        );
      }
    } catch (error) {
      yield {
        kind: 'failed',
        rows: rows - done,
        batch: number,
        firstRow: first + done,
        problem: messageOf(error),
      };
    }
    this.firstRow = first + rows;
  }

  private async window(body: ArrowBody, bound: BoundBatch, start: number, n: number): Promise<Data[]> {
    const data: Data[] = [];
    for (const i of this.chosen)
      data.push(await readWindow(body, bound.columns[i]!, start, n, this.dictionaries));
    return data;
  }
}
