/**
 * The text of tokens as they come, and whether it holds a stop string. Each token costs a decoding of the last few, not of all: the text that a
 * token adds is the difference between decoding the tokens since the last whole character with it and without it (as vLLM and TGI do it, since a
 * decoder may treat a token by its neighbours). Text that ends in half a character, or could begin a stop string, is held back.
 */
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';

/** Tokens without whole text after which what there is counts as text. */
const mostHeld = 64;

export class TokenText {
  /** The stop string that was met; what follows it is not text any more. */
  stop: string | undefined;
  private readonly tokenizer: Tokenizer;
  private readonly stops: readonly string[];
  /** The tokens of the last piece of text, those after it, and the text of the first. */
  private window: number[] = [];
  private known = '';
  private knownTokens = 0;
  /** May be the beginning of a stop string. */
  private held = '';

  constructor(tokenizer: Tokenizer, stops: readonly string[] = []) {
    this.tokenizer = tokenizer;
    this.stops = stops;
  }

  /** The text that is certain now and was not before. Nothing after a stop string. */
  push(token: number): string {
    if (this.stop !== undefined) return '';
    this.window.push(token);
    const text = this.decode(this.window);
    const whole = text.length > this.known.length && !text.endsWith('\ufffd');
    if (!whole && this.window.length - this.knownTokens < mostHeld) return '';
    const fresh = text.slice(this.known.length);
    this.window = this.window.slice(this.knownTokens);
    this.known = this.decode(this.window);
    this.knownTokens = this.window.length;
    return this.pass(fresh);
  }

  /** What was held back, at the end. */
  finish(): string {
    if (this.stop !== undefined) return '';
    const rest = this.pass(this.decode(this.window).slice(this.known.length));
    this.known = '';
    this.window = [];
    this.knownTokens = 0;
    const held = this.stop === undefined ? this.held : '';
    this.held = '';
    return rest + held;
  }

  private decode(tokens: readonly number[]): string {
    return this.tokenizer.decode(tokens, { special: false });
  }

  private pass(fresh: string): string {
    const text = this.held + fresh;
    const first = firstOf(text, this.stops);
    if (first) {
      this.stop = first.stop;
      this.held = '';
      return text.slice(0, first.at);
    }
    const keep = this.stops.reduce((most, stop) => Math.max(most, overlap(text, stop)), 0);
    this.held = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }
}

/** Says true at the token that completes a stop string. */
export function stopWatch(tokenizer: Tokenizer, stops: readonly string[]): (token: number) => boolean {
  const text = new TokenText(tokenizer, stops);
  return (token) => {
    text.push(token);
    return text.stop !== undefined;
  };
}

/** Text up to the first stop string in it. */
export function cutAtStop(text: string, stops: readonly string[]): string {
  return text.slice(0, firstOf(text, stops)?.at);
}

function firstOf(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  let first: { at: number; stop: string } | undefined;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at !== -1 && (first === undefined || at < first.at)) first = { at, stop };
  }
  return first;
}

/** Characters at the end of `text` that begin `stop`. */
function overlap(text: string, stop: string): number {
  for (let n = Math.min(stop.length - 1, text.length); n > 0; n--)
    if (text.endsWith(stop.slice(0, n))) return n;
  return 0;
}
