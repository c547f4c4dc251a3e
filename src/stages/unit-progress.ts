/**
 * What a running unit tells the pool, in shared memory, so that neither side waits for the other: a beat that shows life, the
 * document in hand, and counters. The pool can also ask the unit to stop. A worker stuck inside one document cannot answer
 * messages, but the pool still sees where it is stuck.
 */
const field = {
  beat: 0,
  stop: 1,
  started: 2,
  documents: 3,
  kept: 4,
  textKilobytes: 5,
  kilotokens: 6,
  permille: 7,
} as const;

export interface UnitCounters {
  /** Documents finished, kept, and the text in them so far. */
  documents: number;
  kept: number;
  textBytes: number;
  /** Tokens so far, where the unit makes tokens. */
  tokens: number;
  /** How much of the unit has been read, 0 to 1, where the unit says so. */
  share: number;
}

export class UnitProgress {
  readonly memory: SharedArrayBuffer;
  private readonly words: Int32Array;
  private restBytes = 0;
  private restTokens = 0;

  constructor(memory = new SharedArrayBuffer(4 * Object.keys(field).length)) {
    this.memory = memory;
    this.words = new Int32Array(memory);
  }

  /** Called before a document is worked on; `ordinal` counts documents of the unit from 0. */
  begin(ordinal: number): void {
    Atomics.store(this.words, field.started, ordinal + 1);
    Atomics.add(this.words, field.beat, 1);
  }

  /** Called when a document's fate is known. */
  end(textBytes: number, kept: boolean): void {
    this.restBytes += textBytes;
    const kilobytes = Math.floor(this.restBytes / 1024);
    this.restBytes -= kilobytes * 1024;
    Atomics.add(this.words, field.documents, 1);
    if (kept) Atomics.add(this.words, field.kept, 1);
    Atomics.add(this.words, field.textKilobytes, kilobytes);
  }

  /** Called now and then by a unit that makes tokens. */
  addTokens(tokens: number): void {
    this.restTokens += tokens;
    const thousands = Math.floor(this.restTokens / 1000);
    this.restTokens -= thousands * 1000;
    Atomics.add(this.words, field.kilotokens, thousands);
  }

  /** Says how much of the unit has been read, 0 to 1. */
  reportShare(share: number): void {
    Atomics.store(this.words, field.permille, Math.floor(share * 1000));
  }

  /** A sign of life outside a document (a row group was written). */
  beat(): void {
    Atomics.store(this.words, field.started, 0);
    Atomics.add(this.words, field.beat, 1);
  }

  get beats(): number {
    return Atomics.load(this.words, field.beat);
  }

  /** The document in hand, or -1 between documents. */
  get inHand(): number {
    return Atomics.load(this.words, field.started) - 1;
  }

  get counters(): UnitCounters {
    return {
      documents: Atomics.load(this.words, field.documents),
      kept: Atomics.load(this.words, field.kept),
      textBytes: Atomics.load(this.words, field.textKilobytes) * 1024,
      tokens: Atomics.load(this.words, field.kilotokens) * 1000,
      share: Atomics.load(this.words, field.permille) / 1000,
    };
  }

  requestStop(): void {
    Atomics.store(this.words, field.stop, 1);
  }

  get stopRequested(): boolean {
    return Atomics.load(this.words, field.stop) !== 0;
  }
}
