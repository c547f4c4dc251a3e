/**
 * What was asked and what was answered, one JSON object a line, only ever appended: the reason why no answer is paid for twice.
 *
 *   {"settings": ...}                     what the following lines were asked with (written when it changes)
 *   {"asked": key, "most": [in, out]}     just before a request goes out; most: the tokens it can cost
 *   {"back": key}                         it was turned away, nothing was paid; another run asks again
 *   {"lost": key, "most": [in, out]}      it went out and brought nothing that can be used
 *   {"key": key, "id": ..., "answer": {content, finish, usage: [in, out]}}
 *
 * A key is a hash of document id, messages (which hold text and prompt), model and sampling, so whatever changes one of these asks again.
 * Lines are written before anything is done with them; `write` returns when the line is on the disk. One flush serves all lines
 * written meanwhile, so its cost is shared by the requests under way. After a kill what was asked and has no further line was under way:
 * these requests, and no others, may be paid for twice; `underWay` counts them. A torn last line is cut off.
 *
 * Memory: a key and a place in the file for each answer; the answers stay in the file. One process at a time may write (the caller holds
 * the lock of the folder).
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import { makeFolder } from '../../src/io/atomic.ts';
import {
  addUsage,
  type ChatAnswer,
  type ChatMessage,
  noUsage,
  type Sampling,
  type TokenUsage,
} from './chat-types.ts';

/** What an earlier run left in the journal. */
export interface JournalState {
  answers: number;
  /** Tokens of all answers in it, whatever they were asked with. */
  usage: TokenUsage;
  /** Requests that may have been paid for without an answer: lost ones, and those under way when a run was killed. */
  lost: number;
  underWay: number;
  /** The most that these can have cost. */
  lostMost: TokenUsage;
  /** Lines in the middle that are not whole; what they said is asked again. */
  damaged: number;
  /** Answers asked with other settings; they stay, and are not used. */
  otherSettings: number;
}

interface Line {
  settings?: unknown;
  asked?: string;
  back?: string;
  lost?: string;
  most?: [number, number];
  key?: string;
  id?: string;
  answer?: {
    content: string;
    finish: string;
    refusal?: string;
    usage: [number, number];
    estimated?: boolean;
  };
}

const keyLength = 32;

/** The key of a request: equal for equal questions about the same document, and for no others. */
export function requestKey(
  id: string,
  model: string,
  sampling: Sampling,
  messages: readonly ChatMessage[],
): string {
  const question = JSON.stringify([
    id,
    model,
    sampling,
    messages.map(({ role, content }) => [role, content]),
  ]);
  return createHash('sha256').update(question).digest('hex').slice(0, keyLength);
}

export class Journal {
  readonly path: string;
  /** As it was when it was opened. */
  readonly found: JournalState = {
    answers: 0,
    usage: { ...noUsage },
    lost: 0,
    underWay: 0,
    lostMost: { ...noUsage },
    damaged: 0,
    otherSettings: 0,
  };
  private readonly fd: number;
  /** Start and length of the line of each key. */
  private readonly places = new Map<string, [start: number, length: number]>();
  private size = 0;
  private flushing: Promise<void> | undefined;
  private queued: Promise<void> | undefined;
  private lastSettings = '';

  private constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
  }

  /** Opens or makes the journal. `settings` describes what this run asks with, for people and for `otherSettings`. */
  static open(path: string, settings: unknown): Journal {
    return Journal.openAs(path, settings, 'a+');
  }

  /** For looking only: nothing is written. Undefined when there is none. */
  static peek(path: string, settings: unknown): Journal | undefined {
    return existsSync(path) ? Journal.openAs(path, settings, 'r') : undefined;
  }

  private static openAs(path: string, settings: unknown, flags: 'a+' | 'r'): Journal {
    if (flags === 'a+') makeFolder(dirname(path));
    let fd: number;
    try {
      fd = openSync(path, flags);
    } catch (error) {
      throw new UserError(`cannot open the journal ${path}: ${messageOf(error)}`, {
        hint: 'the folder must be writable',
        cause: error,
      });
    }
    const journal = new Journal(path, fd);
    try {
      journal.load(JSON.stringify(settings));
      if (flags === 'r') return journal;
      // Without its newline the last line was being written when the process died.
      if (fstatSync(fd).size > journal.size) ftruncateSync(fd, journal.size);
      if (journal.lastSettings !== JSON.stringify(settings)) journal.append({ settings });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return journal;
  }

  /** Answers that can be taken instead of asking. */
  get entries(): number {
    return this.places.size;
  }

  has(key: string): boolean {
    return this.places.has(key);
  }

  get(key: string): ChatAnswer | undefined {
    const place = this.places.get(key);
    if (place === undefined) return undefined;
    const bytes = Buffer.alloc(place[1]);
    let got = 0;
    while (got < bytes.length) {
      const n = readSync(this.fd, bytes, got, bytes.length - got, place[0] + got);
      if (n === 0) throw new InputError(this.path, 'the journal became shorter while it was in use');
      got += n;
    }
    return answerOf(JSON.parse(bytes.toString('utf8')) as Line);
  }

  /** Before a request goes out. Not flushed: after a power failure it may be missing, after a kill it is there. */
  asked(key: string, most: Readonly<TokenUsage>): void {
    this.append({ asked: key, most: [most.prompt_tokens, most.completion_tokens] });
  }

  /** A request was turned away. */
  back(key: string): void {
    this.append({ back: key });
  }

  lost(key: string, most: Readonly<TokenUsage>): void {
    this.append({ lost: key, most: [most.prompt_tokens, most.completion_tokens] });
  }

  /** Returns when the answer is on the disk. The first line of a key counts. */
  async write(key: string, id: string, answer: ChatAnswer): Promise<void> {
    const start = this.size;
    const length = this.append(lineOf(key, id, answer));
    if (!this.places.has(key)) this.places.set(key, [start, length]);
    await this.flush();
  }

  async close(): Promise<void> {
    await (this.queued ?? this.flushing)?.catch(() => {}); // told to whoever wrote
    closeSync(this.fd);
  }

  private append(line: Line): number {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch (error) {
      // What was written of the line would run into the next one.
      ftruncateSync(this.fd, this.size);
      throw new UserError(`cannot write the journal ${this.path}: ${messageOf(error)}`, {
        hint: 'make room and run again; every answer that is in it is kept',
        cause: error,
      });
    }
    this.size += bytes.length;
    return bytes.length - 1;
  }

  /** Everything written before the call is on the disk when it returns; calls made during one flush share the next. */
  private flush(): Promise<void> {
    if (this.flushing === undefined) {
      this.flushing = this.sync().finally(() => (this.flushing = undefined));
      return this.flushing;
    }
    this.queued ??= this.flushing
      .catch(() => {}) // told to those who waited for that one
      .then(() => {
        this.queued = undefined;
        return this.flush();
      });
    return this.queued;
  }

  private sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.fd, (error) => {
        if (error === null) resolve();
        else
          reject(
            new UserError(`cannot write the journal ${this.path} to the disk: ${messageOf(error)}`, {
              hint: 'check the disk and run again; every answer that is in it is kept',
              cause: error,
            }),
          );
      });
    });
  }

  private load(settings: string): void {
    const open = new Map<string, TokenUsage>();
    for (const { start, text } of wholeLines(this.fd)) {
      this.size = start + text.length + 1;
      let line: Line;
      try {
        line = JSON.parse(text.toString('utf8')) as Line;
      } catch {
        this.found.damaged++;
        continue;
      }
      this.take(line, start, text.length, settings, open);
    }
    this.found.underWay = open.size;
    for (const most of open.values()) this.found.lostMost = addUsage(this.found.lostMost, most);
  }

  private take(
    line: Line,
    start: number,
    length: number,
    settings: string,
    open: Map<string, TokenUsage>,
  ): void {
    const { found } = this;
    const most = { prompt_tokens: line.most?.[0] ?? 0, completion_tokens: line.most?.[1] ?? 0 };
    if (line.settings !== undefined) this.lastSettings = JSON.stringify(line.settings);
    else if (line.asked !== undefined) {
      // Asked again without a word of what came of it before: that one was under way when its process died.
      const before = open.get(line.asked);
      if (before !== undefined) {
        found.lost++;
        found.lostMost = addUsage(found.lostMost, before);
      }
      open.set(line.asked, most);
    } else if (line.back !== undefined) open.delete(line.back);
    else if (line.lost !== undefined) {
      open.delete(line.lost);
      found.lost++;
      found.lostMost = addUsage(found.lostMost, most);
    } else if (line.key !== undefined && line.answer !== undefined) {
      open.delete(line.key);
      found.answers++;
      const [prompt_tokens, completion_tokens] = line.answer.usage;
      found.usage = addUsage(found.usage, { prompt_tokens, completion_tokens });
      if (this.lastSettings !== settings) found.otherSettings++;
      if (!this.places.has(line.key)) this.places.set(line.key, [start, length]);
    } else found.damaged++;
  }
}

function lineOf(key: string, id: string, answer: ChatAnswer): Line {
  const { prompt_tokens, completion_tokens } = answer.usage;
  return { key, id, answer: { ...answer, usage: [prompt_tokens, completion_tokens] } };
}

function answerOf({ answer }: Line): ChatAnswer {
  const { usage, ...rest } = answer!;
  const [prompt_tokens, completion_tokens] = usage;
  return { ...rest, usage: { prompt_tokens, completion_tokens } };
}

/** Every line that has its newline, with its place; reads the file once, a piece at a time. */
function* wholeLines(fd: number): Generator<{ start: number; text: Buffer }> {
  const piece = Buffer.alloc(1 << 20);
  let held: Buffer[] = [];
  let start = 0;
  for (let at = 0; ; ) {
    const n = readSync(fd, piece, 0, piece.length, at);
    if (n === 0) return;
    let from = 0;
    for (let end = piece.subarray(0, n).indexOf(10); end >= 0; ) {
      const text = Buffer.concat([...held, piece.subarray(from, end)]);
      held = [];
      yield { start, text };
      start = at + end + 1;
      from = end + 1;
      const next = piece.subarray(from, n).indexOf(10);
      end = next < 0 ? -1 : from + next;
    }
    if (from < n) held.push(Buffer.from(piece.subarray(from, n)));
    at += n;
  }
}
