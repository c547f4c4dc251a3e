/** What the outside is told while sources are tokenised: bytes done of those needed, tokens, tokens per second of this run. */
import type { Emit } from '../core/events.ts';
import type { UnitProgress } from './unit-progress.ts';
import type { UnitQueue } from './unit-queue.ts';
import type { UnitSummary } from './unit-summary.ts';

const intervalMs = 250;

export class TokeniseProgress {
  /** Progress of the units being worked on, by task. */
  inFlight = new Map<string, UnitProgress>();
  private readonly queues: readonly UnitQueue[];
  private readonly emit: Emit;
  private readonly places = new Map<string, { queue: UnitQueue; unit: number }>();
  private readonly started = Date.now();
  private timer: NodeJS.Timeout | undefined;
  private doneTokens = 0;

  constructor(queues: readonly UnitQueue[], emit: Emit) {
    this.queues = queues;
    this.emit = emit;
  }

  start(): void {
    const { total } = this.amounts();
    this.emit({ kind: 'start', task: 'tokenise', total, unit: 'bytes' });
    this.timer = setInterval(() => this.tell(), intervalMs).unref();
  }

  begun(id: string, queue: UnitQueue, unit: number): void {
    this.places.set(id, { queue, unit });
  }

  done(id: string, { tokens, heldout }: UnitSummary): void {
    this.places.delete(id);
    this.doneTokens += tokens + heldout.tokens;
    this.tell();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  end(): void {
    const { done } = this.amounts();
    const seconds = (Date.now() - this.started) / 1000;
    this.emit({
      kind: 'end',
      task: 'tokenise',
      done,
      unit: 'bytes',
      seconds,
      numbers: { tokens: this.doneTokens },
    });
  }

  private tell(): void {
    const { done, total } = this.amounts();
    let tokens = this.doneTokens;
    for (const progress of this.inFlight.values()) tokens += progress.counters.tokens;
    const seconds = Math.max(0.001, (Date.now() - this.started) / 1000);
    this.emit({
      kind: 'progress',
      task: 'tokenise',
      done,
      total,
      unit: 'bytes',
      numbers: { tokens, 'tokens/s': Math.round(tokens / seconds) },
    });
  }

  private amounts(): { done: number; total: number } {
    const shares = new Map<UnitQueue, Map<number, number>>();
    for (const [id, { queue, unit }] of this.places) {
      const own = shares.get(queue) ?? new Map<number, number>();
      own.set(unit, this.inFlight.get(id)?.counters.share ?? 0);
      shares.set(queue, own);
    }
    let done = 0;
    let total = 0;
    for (const queue of this.queues) {
      const amount = queue.progress((unit) => shares.get(queue)?.get(unit) ?? 0);
      done += amount.done;
      total += amount.total;
    }
    return { done: Math.round(done), total: Math.round(total) };
  }
}
