/**
 * What goes wrong in the rewards of a run: each way in which a part fails is told once, every failed batch is counted for the row of its step, and the last
 * reason is kept for the error that ends a run without rewards.
 */

/** Kinds of failure that are told at most, so that a reason that is never the same twice does not fill the log. */
const mostTold = 20;

export class RewardFailures {
  private readonly warn: (text: string) => void;
  private readonly told = new Set<string>();
  private counts = new Map<string, number>();
  private reason: string | undefined;

  constructor(warn: (text: string) => void) {
    this.warn = warn;
  }

  /** `part` failed for a batch, because it threw or (`timedOut`) gave no answer in time. */
  note(part: string, why: string, timedOut: boolean): void {
    this.reason = `${part}: ${why}`;
    const name = `rewards/${part}/${timedOut ? 'timeouts' : 'errors'}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    // Numbers in it (a time, an index) make no other kind.
    const kind = `${part}: ${why.replace(/\d+/g, '0')}`;
    if (this.told.has(kind) || this.told.size >= mostTold) return;
    this.told.add(kind);
    this.warn(
      `the reward ${part} failed for a batch, whose samples teach nothing (counted in rewards/unscored): ${why}`,
    );
  }

  /** Failed batches since the last call, by the names of metrics.jsonl: `rewards/<part>/errors`, `rewards/<part>/timeouts`. */
  take(): Record<string, number> {
    const counts = Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.counts = new Map();
    return counts;
  }

  /** Why a part failed, the last time that one did. */
  get last(): string | undefined {
    return this.reason;
  }
}
