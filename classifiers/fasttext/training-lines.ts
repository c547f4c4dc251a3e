/**
 * Training data as bytes in fastText's own form, one `__label__x text` a line, in blocks of whole lines that can be gone through again
 * for every epoch. Small data stays in memory; larger files are read again each time (gzip and zstd are unpacked on the way).
 *
 * Examples given as texts become such lines: line feeds turn into spaces; the text ends at a `</s>`, as it does when predicting; and words
 * that begin with `__label__` are left out, since they would be taken for labels.
 */
import { open } from 'node:fs/promises';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import { compressionOf, readFileBytes } from '../../src/io/byte-stream.ts';
import { endToken, labelPrefix } from './tokens.ts';

/** A labelled text; labels without or with `__label__`; several when a text has several. */
export interface TrainingExample {
  text: string;
  label: string | readonly string[];
}

/** Examples, or paths of files with one `__label__x text` a line. */
export type TrainingInput =
  | Iterable<TrainingExample>
  | AsyncIterable<TrainingExample>
  | { files: readonly string[] };

/** Whole lines: bytes [0, length), each line ended by a line feed, the very last one perhaps not; one more byte is there behind them. */
export interface LineBlock {
  bytes: Uint8Array;
  length: number;
}

const lineFeed = 0x0a;
const defaultBlock = 4 << 20;
/** Data up to this size is kept in memory. */
const defaultKeep = 1 << 30;
/** Longest line of a file. */
const longestLine = 1 << 29;

export interface LineOptions {
  /** Bytes of a block; a longer line makes a longer block. */
  blockBytes?: number;
  /** Files of more bytes than this are read again for each pass. */
  keepBytes?: number;
}

/** A function that goes through the data once. Examples are read here and now, and kept. */
export async function trainingLines(
  input: TrainingInput,
  options: LineOptions = {},
): Promise<() => AsyncIterable<LineBlock> | Iterable<LineBlock>> {
  const { blockBytes = defaultBlock, keepBytes = defaultKeep } = options;
  if (!('files' in input)) {
    const kept: LineBlock[] = [];
    for await (const block of blocksOf(exampleLines(input), blockBytes, 'examples')) kept.push(block);
    return () => kept;
  }
  if (input.files.length === 0) throw new UserError('no files to train on', { hint: 'name at least one' });
  let kept: LineBlock[] | undefined;
  let fits = true;
  return () => {
    if (kept !== undefined) return kept;
    return (async function* () {
      const seen: LineBlock[] = [];
      let bytes = 0;
      for (const path of input.files) {
        for await (const block of blocksOf(fileBytes(path), blockBytes, path)) {
          bytes += block.length;
          fits &&= bytes <= keepBytes;
          if (fits) seen.push(block);
          else seen.length = 0;
          yield block;
        }
      }
      if (fits) kept = seen;
    })();
  };
}

async function* exampleLines(
  examples: Iterable<TrainingExample> | AsyncIterable<TrainingExample>,
): AsyncGenerator<Uint8Array> {
  let lines: string[] = [];
  let size = 0;
  for await (const example of examples) {
    const line = exampleLine(example);
    lines.push(line);
    size += line.length;
    if (size < 1 << 20) continue;
    yield Buffer.from(lines.join(''));
    lines = [];
    size = 0;
  }
  yield Buffer.from(lines.join(''));
}

/** The line of an example, its line feed included. Throws `UserError` for a label that is empty or holds white space. */
export function exampleLine({ text, label }: TrainingExample): string {
  const labels = (typeof label === 'string' ? [label] : label).map(labelToken);
  return `${labels.join(' ')} ${lineText(text)}\n`;
}

function labelToken(label: string): string {
  const token = label.startsWith(labelPrefix) ? label : labelPrefix + label;
  if (token.length > labelPrefix.length && !/[\s\0]/.test(token)) return token;
  throw new UserError(`"${label}" cannot be a label`, {
    hint: 'a label is a word without white space, such as MATH',
  });
}

/** White space of fastText; other spaces are parts of words. */
const labelWords = /(?<=^|[ \t\n\v\f\r\0])__label__[^ \t\n\v\f\r\0]*/g;
const endWord = /(?<=^|[ \t\n\v\f\r\0])<\/s>(?=$|[ \t\n\v\f\r\0])/;

function lineText(text: string): string {
  let line = text;
  if (line.includes(endToken.toString())) line = line.split(endWord, 1)[0]!;
  if (line.includes(labelPrefix)) line = line.replace(labelWords, '');
  return line.replaceAll('\n', ' ');
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  const head = Buffer.alloc(4);
  try {
    const handle = await open(path, 'r');
    try {
      await handle.read(head, 0, 4, 0);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new InputError(path, `cannot be read: ${messageOf(error)}`, {
      hint: 'give a file with one "__label__NAME text" a line',
      cause: error,
    });
  }
  yield* readFileBytes(path, { compression: compressionOf(head) });
}

/** Cuts pieces of bytes into blocks of whole lines. */
async function* blocksOf(
  pieces: AsyncIterable<Uint8Array>,
  blockBytes: number,
  what: string,
): AsyncGenerator<LineBlock> {
  let bytes = new Uint8Array(blockBytes + 1);
  let length = 0;
  for await (const piece of pieces) {
    let at = 0;
    while (at < piece.length) {
      if (length === bytes.length - 1) {
        const end = bytes.lastIndexOf(lineFeed, length - 1) + 1;
        if (end > 0) {
          const rest = bytes.subarray(end, length);
          const next = new Uint8Array(Math.max(blockBytes, 2 * rest.length) + 1);
          next.set(rest);
          yield { bytes, length: end };
          bytes = next;
          length = rest.length;
        } else {
          if (length > longestLine) {
            throw new InputError(what, `has a line of more than ${longestLine} bytes`, {
              hint: 'put each text on a line of its own',
            });
          }
          const larger = new Uint8Array(2 * length + 1);
          larger.set(bytes.subarray(0, length));
          bytes = larger;
        }
      }
      const count = Math.min(piece.length - at, bytes.length - 1 - length);
      bytes.set(piece.subarray(at, at + count), length);
      at += count;
      length += count;
    }
  }
  if (length > 0) yield { bytes: bytes.subarray(0, length + 1), length };
}
