/** What a cluster plan rests on: each assumption once, with where it is from and how well it is known (src/core/evidence.ts). */
import { invariant } from '../core/errors.ts';
import type { Evidence } from '../core/evidence.ts';

export interface Assumption {
  /** Figures name it by this. */
  id: string;
  text: string;
  /** A run, a benchmark, a data sheet, a paper, a key of the description. */
  source: string;
  /** `measured`: by this project, on the machine that the source names. */
  evidence: Evidence | 'measured';
}

/** Collects them in the order they come up. */
export class Assumptions {
  readonly list: Assumption[] = [];

  /** Answers the id. The same id must say the same. */
  add(assumption: Assumption): string {
    const known = this.list.find(({ id }) => id === assumption.id);
    if (known === undefined) this.list.push(assumption);
    else invariant(known.text === assumption.text, `one assumption ${assumption.id}`);
    return assumption.id;
  }
}
