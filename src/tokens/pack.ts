/**
 * Packing: documents, each with its end-of-text token, into windows of equal length. Both ways work on lengths alone, so that a plan
 * can count exactly what the writer will write; a window says which part of which document stands where.
 *
 * `concatenate` joins documents and cuts the stream (the paper's way, and Nanotron's): nothing is padded, and a document that does not
 * end in its window goes on in the next. `bestFit` (best-fit.ts) keeps documents whole and pads.
 *
 * Both read a source endlessly, pass after pass; whoever takes the windows stops when there are enough.
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
  /** Documents in the order of one pass. */
  order(seed: number, pass: number): Iterable<number>;
  /** Tokens of a document, the end token included. */
  length(document: number): number;
}

export interface PackOptions {
  /** Tokens of a window: sequenceLength + 1. */
  windowTokens: number;
  /** Decides the order of documents; equal seeds give equal windows. */
  seed: number;
}

/** Joins all documents and cuts every `windowTokens` tokens. Ends only where a pass has no tokens at all. */
export function* concatenate(source: PassLengths, options: PackOptions): Generator<PackedWindow> {
  const { windowTokens, seed } = options;
  let pieces: Piece[] = [];
  let room = windowTokens;
  for (let pass = 0; ; pass++) {
    let any = false;
    for (const document of source.order(seed, pass)) {
      const total = source.length(document);
      any ||= total > 0;
      for (let start = 0; start < total; ) {
        const length = Math.min(room, total - start);
        pieces.push({ document, pass, start, length, whole: length === total, first: start === 0 });
        start += length;
        room -= length;
        if (room === 0) {
          yield { pieces, padding: 0 };
          pieces = [];
          room = windowTokens;
        }
      }
    }
    if (!any) return;
  }
}
