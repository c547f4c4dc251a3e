/**
 * The windows of one source with their tokens: what the packer decided, filled in from the token cache. The pieces of a long document
 * come one behind the other, so the document read last is kept and nothing else.
 */
import type { HowToPack } from '../../mixtures/packed-windows.ts';
import { type StreamMark, windowsOf } from './packable-source.ts';
import type { SourceTokens, TokenisedDocument } from './source-tokens.ts';

/** A part of a document as it stands in a window. */
export interface WindowPiece {
  id: string;
  url: string;
  tokens: Uint32Array;
  /** Where it begins in its document, in tokens. */
  offset: number;
  /** How often the source had been read through before. */
  pass: number;
}

export interface SourceWindow {
  pieces: WindowPiece[];
  /** Padding tokens behind the pieces. */
  padding: number;
}

/** Place in a stream of windows: `window` is the number of the next one, `mark` a mark at or before it. */
export interface WindowPlace {
  window: number;
  mark: StreamMark | undefined;
}

/** At least the windows that the plan wants of it, from `at` (default: the first) on. Of documents before that, only lengths are read, from the mark on. */
export function* sourceWindows(
  source: SourceTokens,
  how: HowToPack,
  { targetTokens }: { targetTokens: number },
  at: WindowPlace = { window: 0, mark: undefined },
): Generator<SourceWindow> {
  let number = -1;
  let last: TokenisedDocument | undefined;
  let before = at.window - (at.mark?.window ?? 0);
  for (const { pieces, padding } of windowsOf(source, how, targetTokens, { from: at.mark })) {
    if (before > 0) {
      before--;
      continue;
    }
    const filled = pieces.map(({ document, pass, start, length }): WindowPiece => {
      if (document !== number || last === undefined) {
        last = source.read(document);
        number = document;
      }
      const { id, url, tokens } = last;
      return {
        id,
        url,
        tokens: length === tokens.length ? tokens : tokens.subarray(start, start + length),
        offset: start,
        pass,
      };
    });
    yield { pieces: filled, padding };
  }
}
