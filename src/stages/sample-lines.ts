/**
 * Samples of large JSON-lines files without reading them whole: blocks of a plain file anywhere in it, or the beginning of a
 * compressed one, which cannot be entered elsewhere. A block gives the lines that start in it, so that all blocks together give
 * each line once.
 *
 * Gives up: in a compressed file what stands first stands for all; a line longer than `longestLine` is a failure.
 */
import { createReadStream } from 'node:fs';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { count } from '../core/ledger.ts';
import type { Compression } from '../io/byte-stream.ts';
import { openInput } from '../io/open-input.ts';
import type { ChatTemplate } from '../tokens/chat-template.ts';
import { textOfRecord } from './record-text.ts';
import type { SourceText, TextSource, UnitTally } from './unit-texts.ts';

/** Bytes of a block: some tens of documents. */
export const blockBytes = 64 * 1024;
const longestLine = 8 * 1024 * 1024;
const newline = 10;

/** Texts of the lines that start in `[block * blockBytes, (block + 1) * blockBytes)` of a plain file. */
export async function* textsOfBlock(
  source: TextSource,
  path: string,
  block: number,
  tally: UnitTally,
  chat: ChatTemplate | undefined,
): AsyncGenerator<SourceText> {
  const file = await openInput(path);
  try {
    const start = block * blockBytes;
    const end = start + blockBytes;
    // A line starts behind a line break, so the byte before the block decides about its first line.
    let bytes = await readAt(file, Math.max(0, start - 1), blockBytes + (start === 0 ? 0 : 1));
    let at = start === 0 ? 0 : bytes.indexOf(newline) + 1;
    if (start > 0 && at === 0) return;
    const offset = Math.max(0, start - 1);
    while (offset + at < end && at < bytes.length) {
      let stop = bytes.indexOf(newline, at);
      while (stop === -1 && bytes.length - at < longestLine) {
        const more = await readAt(file, offset + bytes.length, blockBytes);
        if (more.length === 0) break;
        const from = bytes.length;
        bytes = Buffer.concat([bytes, more]);
        const found = more.indexOf(newline);
        stop = found === -1 ? -1 : from + found;
      }
      if (stop === -1 && bytes.length - at >= longestLine) {
        tally.ledger.in++;
        count(tally.ledger.failed, 'line_too_long');
        return;
      }
      const line = bytes.subarray(at, stop === -1 ? bytes.length : stop);
      yield* textsOfLine(source, line.toString('utf8'), `${path}#${offset + at}`, tally, chat);
      if (stop === -1) return;
      at = stop + 1;
    }
  } finally {
    await file.close();
  }
}

/** Texts from the beginning of a compressed file on; `consumed` is told the compressed bytes behind what was given. */
export async function* textsOfCompressed(
  source: TextSource,
  path: string,
  compression: Compression,
  tally: UnitTally,
  chat: ChatTemplate | undefined,
  consumed: (bytes: number) => void,
): AsyncGenerator<SourceText> {
  const engine = compression === 'gzip' ? createGunzip() : createZstdDecompress();
  const input = createReadStream(path, { highWaterMark: 64 * 1024 });
  input.on('error', (error) => engine.destroy(error));
  input.pipe(engine);
  let rest: Buffer = Buffer.alloc(0);
  let lines = 0;
  try {
    for await (const chunk of engine as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      for (let stop = rest.indexOf(newline); stop !== -1; stop = rest.indexOf(newline, at)) {
        yield* textsOfLine(source, rest.toString('utf8', at, stop), `${path}#${lines++}`, tally, chat);
        at = stop + 1;
      }
      rest = rest.subarray(at);
      consumed(engine.bytesWritten);
      if (rest.length > longestLine) {
        tally.ledger.in++;
        count(tally.ledger.failed, 'line_too_long');
        return;
      }
    }
    yield* textsOfLine(source, rest.toString('utf8'), `${path}#${lines}`, tally, chat);
    consumed(engine.bytesWritten);
  } finally {
    input.destroy();
    engine.destroy();
  }
}

function* textsOfLine(
  source: TextSource,
  line: string,
  place: string,
  tally: UnitTally,
  chat: ChatTemplate | undefined,
): Generator<SourceText> {
  if (line.trim() === '') return;
  let record: unknown;
  try {
    record = JSON.parse(line.replace(/^\uFEFF/, ''));
  } catch {
    record = undefined;
  }
  if (record === null || typeof record !== 'object' || Array.isArray(record)) {
    tally.ledger.in++;
    count(tally.ledger.failed, 'not_json');
    return;
  }
  const text = textOfRecord(source, record as Record<string, unknown>, place, tally, chat);
  if (text !== undefined) yield text;
}

async function readAt(
  file: Awaited<ReturnType<typeof openInput>>,
  position: number,
  length: number,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
