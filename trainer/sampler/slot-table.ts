/**
 * Which slot of the KV cache a request takes, and how much of its prompt is there already. A slot keeps what it holds after its sample has
 * ended, so the samples of a GRPO group, few-shot prompts and the turns of a conversation are computed once where they begin alike.
 *
 * Requests placed in one round are carried out in waves: a wave copies prefixes between slots, then fills the rest of its prompts; a prompt
 * that takes its prefix from one filled in the same round comes in a later wave. Pure: no device. Where a sample lies never changes its tokens.
 */
import { invariant } from '../../src/core/errors.ts';

export interface Placement {
  slot: number;
  wave: number;
  /** The slot whose first `reused` positions are copied here; undefined when they are here already, or none are. */
  from: number | undefined;
  /** Positions that need not be computed. */
  reused: number;
}

/** Fewer positions than this are computed again instead of copied. */
const leastCopied = 16;

interface Slot {
  /** Tokens whose keys and values it holds. */
  held: number[];
  busy: boolean;
  /** When it was freed last. */
  freed: number;
  /** Of this round: the wave it is filled in, and the last wave it is copied from. */
  filledIn: number;
  readIn: number;
}

export class SlotTable {
  private readonly slots: Slot[];
  private clock = 0;

  constructor(count: number) {
    this.slots = Array.from({ length: count }, () => ({
      held: [],
      busy: false,
      freed: 0,
      filledIn: -1,
      readIn: -1,
    }));
  }

  /** What was placed so far has been carried out. */
  beginRound(): void {
    for (const slot of this.slots) {
      slot.filledIn = -1;
      slot.readIn = -1;
    }
  }

  get free(): number {
    return this.slots.reduce((count, slot) => count + (slot.busy ? 0 : 1), 0);
  }

  /**
   * Takes a free slot for a prompt; all its tokens but the last one count as held from then on. Undefined when no slot is free.
   * `reuse` false computes every position, for those who want something of each.
   */
  place(prompt: readonly number[], reuse = true): Placement | undefined {
    const needed = prompt.length - 1;
    const shared = this.slots.map(({ held }) => (reuse ? commonPrefix(held, prompt, needed) : 0));
    const longest = Math.max(...shared);
    let own: number | undefined;
    this.slots.forEach((slot, i) => {
      if (slot.busy || slot.filledIn >= 0) return;
      if (own === undefined) own = i;
      // Its own prefix first; of equals the one that was freed first.
      else if (shared[i]! > shared[own]! && shared[i] === longest) own = i;
      else if ((shared[own]! < longest || shared[i] === shared[own]) && slot.freed < this.slots[own]!.freed)
        own = i;
    });
    if (own === undefined) return undefined;
    const slot = this.slots[own]!;
    let from: number | undefined;
    let reused = shared[own]!;
    let wave = slot.readIn + 1;
    if (longest > reused && (longest >= leastCopied || longest === needed)) {
      from = shared.indexOf(longest);
      reused = longest;
      const source = this.slots[from]!;
      wave = Math.max(wave, source.filledIn + 1);
      source.readIn = Math.max(source.readIn, wave);
    }
    slot.held = prompt.slice(0, needed);
    slot.busy = true;
    slot.filledIn = wave;
    return { slot: own, wave, from, reused };
  }

  /** Tokens of the slot's sample whose keys and values have been computed. */
  extend(slot: number, tokens: readonly number[]): void {
    this.slots[slot]!.held.push(...tokens);
  }

  release(slot: number): void {
    const entry = this.slots[slot]!;
    invariant(entry.busy, `slot ${slot} was not taken`);
    entry.busy = false;
    entry.freed = ++this.clock;
  }

  /** The cache holds nothing any more: the weights have changed. */
  forget(): void {
    for (const slot of this.slots) slot.held = [];
  }
}

function commonPrefix(a: readonly number[], b: readonly number[], most: number): number {
  const end = Math.min(a.length, most);
  let n = 0;
  while (n < end && a[n] === b[n]) n++;
  return n;
}
