/**
 * Packing: documents, each with its end-of-text token, into windows of equal length. Both ways work on lengths alone, so that a plan
 * can count exactly what the writer will write; a window says which part of which document stands where.
 *
 * `concatenate` joins documents and cuts the stream (the paper's way, and Nanotron's): nothing is padded, and a document that does not
 * end in its window goes on in the next. `bestFit` (best-fit.ts) keeps documents whole and pads.
 *
 * Both read a source endlessly, pass after pass; whoever takes the windows stops when there are enough. On the way both give marks: places
 * from which the stream goes on without a look at what was before, so that a part of it can be had for what that part costs.
 */

/** A part of a document inside a window. Positions and lengths are in tokens. */
export interface Piece {
  /** Number of the document in its source. */
  document: number;
  /** How often the source had been read through before, 0 the first time. */
  pass: number;
  /** Where the piece begins in its document. */
  start: number;
  length: number;
  /** The piece is the document, uncut. */
  whole: boolean;
  /** The first piece of its document to come out in this pass. */
  first: boolean;
}

/** Its pieces' lengths and `padding` sum to the window's length; padding stands at the end. */
export interface PackedWindow {
  pieces: Piece[];
  padding: number;
}

/** What packing needs of a source (SourceTokens has it). */
export interface PassLengths {
  /** Documents in the order of one pass, from the one at place `from` (default 0) on. */
  order(seed: number, pass: number, from?: number): Iterable<number>;
  /** Tokens of a document, the end token included. */
  length(document: number): number;
}

/** Where a stream of windows may begin. */
export interface PackMark {
  /** Windows before it. */
  window: number;
  pass: number;
  /** Place in the order of the pass. */
  place: number;
}

/** Before a window of joined documents: `start` tokens of the document at its place are in the windows before. */
export interface JoinMark extends PackMark {
  start: number;
}

export interface PackOptions<Mark extends PackMark = PackMark> {
  /** Tokens of a window: sequenceLength + 1. */
  windowTokens: number;
  /** Decides the order of documents; equal seeds give equal windows. */
  seed: number;
  /** Begin here, a mark that a stream of the same source and options gave. Default: with the first window. */
  from?: Mark | undefined;
  /** Told the marks as the stream passes them. */
  onMark?: ((mark: Mark) => void) | undefined;
}

/** Documents between two marks: what has to be gone through again, lengths only, to begin at any window. */
export const markedDocuments = 16_384;

/** Joins all documents and cuts every `windowTokens` tokens. Ends only where a pass has no tokens at all. `markEvery`: documents between marks. */
export function* concatenate(
  source: PassLengths,
  options: PackOptions<JoinMark> & { markEvery?: number },
): Generator<PackedWindow> {
  const { windowTokens, seed, from, onMark, markEvery = markedDocuments } = options;
  let pieces: Piece[] = [];
  let room = windowTokens;
  let window = from?.window ?? 0;
  let nextMark = markEvery;
  let read = 0;
  let place = from?.place ?? 0;
  let begin = from?.start ?? 0;
  // Where a mark was given there are tokens.
  let any = from !== undefined;
  for (let pass = from?.pass ?? 0; ; pass++) {
    for (const document of source.order(seed, pass, place)) {
      const total = source.length(document);
      any ||= total > 0;
      for (let start = begin; start < total; ) {
        const length = Math.min(room, total - start);
        pieces.push({ document, pass, start, length, whole: length === total, first: start === 0 });
        start += length;
        room -= length;
        if (room === 0) {
          window++;
          if (read >= nextMark) {
            onMark?.({ window, pass, place, start });
            nextMark = read + markEvery;
          }
          yield { pieces, padding: 0 };
          pieces = [];
          room = windowTokens;
        }
      }
      begin = 0;
      place++;
      read++;
    }
    if (!any) return;
    any = false;
    place = 0;
  }
}
