/**
 * Packing: concatenate documents, each followed by the end-of-text token, and cut the stream into windows of equal length (the paper's
 * way, and Nanotron's). A document that does not end in its window goes on in the next; both windows record where its pieces end, so
 * that a trainer can mask attention across documents. Nothing is padded and no token is lost between windows.
 */

/** A part of a document inside a window. */
export interface Piece<D> {
  document: D;
  tokens: Uint32Array;
}

export type Window<D> = Piece<D>[];

/**
 * Cuts a stream of documents into windows of exactly `length` tokens. What is left over when the stream ends is not given out: the
 * caller decides how many windows it wants and makes the stream long enough.
 */
export function* packWindows<D>(
  documents: Iterable<{ document: D; tokens: Uint32Array }>,
  length: number,
): Generator<Window<D>> {
  let window: Window<D> = [];
  let room = length;
  for (const { document, tokens } of documents) {
    let at = 0;
    while (at < tokens.length) {
      const take = Math.min(room, tokens.length - at);
      window.push({ document, tokens: take === tokens.length ? tokens : tokens.subarray(at, at + take) });
      at += take;
      room -= take;
      if (room === 0) {
        yield window;
        window = [];
        room = length;
      }
    }
  }
}
