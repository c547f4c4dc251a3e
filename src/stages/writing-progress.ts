/** How far the writing of shards is, as events. */
import type { Emit } from '../core/events.ts';
import type { MixArrangement, MixShard } from './mix-arrangement.ts';

export class WritingProgress {
  private readonly emit: Emit;
  private readonly task: string;
  private readonly windowTokens: number;
  private readonly total: number;
  private readonly started = Date.now();
  private written = 0;
  private skipped = 0;

  /** Begins the task, of these shards. */
  constructor(emit: Emit, task: string, { windowTokens }: MixArrangement, shards: readonly MixShard[]) {
    this.emit = emit;
    this.task = task;
    this.windowTokens = windowTokens;
    this.total = shards.reduce((sum, { sequences }) => sum + sequences, 0) * windowTokens;
    emit({ kind: 'start', task, total: this.total, unit: 'tokens' });
  }

  /** A shard that is there already. */
  skip({ sequences }: MixShard): void {
    this.skipped += sequences;
    this.tell();
  }

  readonly onSequence = (): void => {
    if (++this.written % 64 === 0) this.tell();
  };

  /** `tokens/s` counts what was written here. */
  private tell(): void {
    const { emit, task, total, windowTokens } = this;
    const done = (this.written + this.skipped) * windowTokens;
    const rate = Math.round((this.written * windowTokens) / Math.max(this.seconds(), 0.001));
    emit({ kind: 'progress', task, done, total, unit: 'tokens', numbers: { 'tokens/s': rate } });
  }

  end(): void {
    const { emit, task, total } = this;
    emit({ kind: 'end', task, done: total, unit: 'tokens', seconds: this.seconds() });
  }

  private seconds(): number {
    return (Date.now() - this.started) / 1000;
  }
}
