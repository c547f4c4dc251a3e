/** `rollouts.jsonl`: a few samples of every step for people to read. */
import { appendFileSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { writeFileAtomicSync } from '../../src/io/atomic.ts';
import type { Rollout } from './rollout.ts';

export class RolloutLog {
  private readonly fd: number;

  /** Opens the log of a run that has done `step` steps; rows of later steps (replayed after a kill) are removed. */
  constructor(file: string, step: number) {
    if (existsSync(file)) {
      const kept = readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}') && (JSON.parse(line) as { step: number }).step <= step);
      writeFileAtomicSync(file, kept.map((line) => `${line}\n`).join(''));
    }
    this.fd = openSync(file, 'a');
  }

  /** Writes `count` rollouts, one from each of as many groups as there are, right and wrong ones in turn where there are both. */
  append(step: number, rollouts: readonly Rollout[], count: number, groupSize: number): void {
    const groups = Math.floor(rollouts.length / groupSize);
    for (let i = 0; i < Math.min(count, groups); i++) {
      const group = rollouts.slice(i * groupSize, (i + 1) * groupSize);
      const { problem, completion, reward, answer, truncated, tokens } =
        group.find((r) => r.correct === (i % 2 === 0)) ?? group[0]!;
      const row = {
        step,
        prompt: problem.question,
        completion,
        reward,
        answer,
        expected: problem.expected,
        truncated,
        length: tokens.length,
      };
      appendFileSync(this.fd, `${JSON.stringify(row)}\n`);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
