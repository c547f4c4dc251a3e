/** What is known of one tokenised unit of a source without its tokens: plain data that crosses threads and stands in cache files. */
import type { Ledger } from '../core/ledger.ts';
import type { Failure } from './source-texts.ts';

export interface UnitSummary {
  /** Training documents and their tokens, end tokens counted. */
  documents: number;
  tokens: number;
  heldout: { documents: number; tokens: number };
  /**
   * The training document that is held out if the source gives up none by its share: the one of the lowest draw, by its number among
   * the unit's training documents.
   */
  lowest: { number: number; draw: number; tokens: number } | undefined;
  /** `kept` counts training and held-out documents. */
  ledger: Ledger;
  failures: Failure[];
  /** Columns of the records, where none of them gave a text. */
  columns: string[];
}

/** Counts over a run of units, and the document held out where none is by its share. */
export interface UnitTotals {
  documents: number;
  tokens: number;
  heldout: { documents: number; tokens: number };
  /** Place in the run of the unit that holds it, and its number there. */
  exception: { unit: number; number: number; tokens: number } | undefined;
}

/** Adds units one by one, so that a source can stop at the first that is enough. */
export class UnitCounter {
  private units = 0;
  private documents = 0;
  private tokens = 0;
  private readonly heldout = { documents: 0, tokens: 0 };
  private lowest: { unit: number; number: number; draw: number; tokens: number } | undefined;
  private readonly share: number;

  /** `share`: the held-out share; at 0 nothing is held out. */
  constructor(share: number) {
    this.share = share;
  }

  add(unit: UnitSummary): void {
    this.documents += unit.documents;
    this.tokens += unit.tokens;
    this.heldout.documents += unit.heldout.documents;
    this.heldout.tokens += unit.heldout.tokens;
    if (unit.lowest !== undefined && (this.lowest === undefined || unit.lowest.draw < this.lowest.draw))
      this.lowest = { unit: this.units, ...unit.lowest };
    this.units++;
  }

  /** A source with two or more documents gives up at least one. */
  totals(): UnitTotals {
    const { documents, tokens, heldout, lowest } = this;
    if (this.share === 0 || heldout.documents > 0 || documents < 2 || lowest === undefined)
      return { documents, tokens, heldout: { ...heldout }, exception: undefined };
    return {
      documents: documents - 1,
      tokens: tokens - lowest.tokens,
      heldout: { documents: 1, tokens: lowest.tokens },
      exception: { unit: lowest.unit, number: lowest.number, tokens: lowest.tokens },
    };
  }
}
