/**
 * What a run may cost. A request begins only if everything paid so far, the most that the requests under way can cost, and the most that
 * this one can cost stay within the bound together; what no answer came for counts at its most. A request for which only those under way
 * leave no room waits for them.
 *
 * The most of a request is its tokens in (counted or estimated, with a margin) and the whole of `max_tokens` out. An estimate can be
 * wrong, so it is held against what the endpoint counts, and the largest ratio seen is the margin of the next requests. The bound
 * can only be passed by what the first requests under way exceed their estimate.
 */
import { addUsage, noUsage, type TokenUsage } from './chat-types.ts';

/** US dollars per million tokens. */
export interface Prices {
  input: number;
  output: number;
}

export interface BudgetLimits {
  /** Tokens in and out together. */
  tokens?: number | undefined;
  usd?: number | undefined;
  prices?: Prices | undefined;
}

export function costOf({ prompt_tokens, completion_tokens }: Readonly<TokenUsage>, prices: Prices): number {
  return (prompt_tokens * prices.input + completion_tokens * prices.output) / 1e6;
}

export class Budget {
  /** Paid for, as far as answers say. */
  paid: TokenUsage;
  /** The most that requests without an answer have cost. */
  lost: TokenUsage;
  private underWay: TokenUsage = { ...noUsage };
  private readonly limits: BudgetLimits;
  /** Real tokens to estimated ones, the largest seen. */
  private ratio: number;
  private measured = false;
  /** Requests that wait for room. */
  private readonly waiting: (() => void)[] = [];

  /** `margin`: by how much an estimate of tokens in may be too low, before any answer is known. */
  constructor(limits: BudgetLimits, margin = 2, paid: TokenUsage = noUsage, lost: TokenUsage = noUsage) {
    this.limits = limits;
    this.paid = { ...paid };
    this.lost = { ...lost };
    this.ratio = margin;
  }

  /** The most that a request can cost whose tokens in are estimated at `prompt`. */
  mostOf(prompt: number, maxTokens: number): TokenUsage {
    return { prompt_tokens: Math.ceil(prompt * this.ratio) + 16, completion_tokens: maxTokens };
  }

  /** Whether a request may begin now; if so its most is set aside. */
  reserve(most: Readonly<TokenUsage>): boolean {
    if (!this.allows([this.paid, this.lost, this.underWay, most])) return false;
    this.underWay = addUsage(this.underWay, most);
    return true;
  }

  /**
   * Sets the most of a request aside, as soon as requests under way have left enough of what was set aside for them. False: it would not
   * fit if they cost nothing at all.
   */
  async reserveWhenRoom(most: Readonly<TokenUsage>): Promise<boolean> {
    while (!this.reserve(most)) {
      if (!this.allows([this.paid, this.lost, most])) return false;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    return true;
  }

  private allows(parts: readonly Readonly<TokenUsage>[]): boolean {
    const all = parts.reduce(addUsage, noUsage);
    const { tokens, usd, prices } = this.limits;
    if (tokens !== undefined && all.prompt_tokens + all.completion_tokens > tokens) return false;
    return usd === undefined || prices === undefined || costOf(all, prices) <= usd;
  }

  /** An answer came: what it cost takes the place of what was set aside. */
  settle(most: Readonly<TokenUsage>, usage: Readonly<TokenUsage>, estimatedPrompt: number): void {
    this.release(most);
    this.paid = addUsage(this.paid, usage);
    const seen = usage.prompt_tokens / Math.max(1, estimatedPrompt);
    if (!this.measured) this.ratio = seen * 1.1;
    else this.ratio = Math.max(this.ratio, seen * 1.1);
    this.measured = true;
  }

  /** Nothing was paid. */
  release(most: Readonly<TokenUsage>): void {
    this.underWay = addUsage(this.underWay, {
      prompt_tokens: -most.prompt_tokens,
      completion_tokens: -most.completion_tokens,
    });
    // After whoever calls has booked what took its place.
    for (const wake of this.waiting.splice(0)) queueMicrotask(wake);
  }

  /** It may have been paid. */
  lose(most: Readonly<TokenUsage>): void {
    this.release(most);
    this.lost = addUsage(this.lost, most);
  }
}
