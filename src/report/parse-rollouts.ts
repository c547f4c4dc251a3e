/** The text of a `rollouts.jsonl` as rows. A last line cut short by a kill is normal; any other line that is no rollout is counted. Pure. */
import type { RolloutRow } from './report-run.ts';

export function parseRollouts(text: string): { rows: RolloutRow[]; bad: number } {
  const lines = text.split('\n');
  let bad = 0;
  const rows = lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const row = rolloutOf(line);
    if (row === undefined && i < lines.length - 1) bad++;
    return row ?? [];
  });
  return { rows, bad };
}

function rolloutOf(line: string): RolloutRow | undefined {
  let row: Record<string, unknown> | null;
  try {
    row = JSON.parse(line) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
  if (row === null || typeof row !== 'object') return undefined;
  const { step, prompt, completion, reward, answer, expected, truncated, length } = row;
  if (
    typeof step !== 'number' ||
    typeof prompt !== 'string' ||
    typeof completion !== 'string' ||
    typeof reward !== 'number'
  ) {
    return undefined;
  }
  return {
    step,
    prompt,
    completion,
    reward,
    ...(answer === undefined || answer === null ? {} : { answer: String(answer) }),
    ...(expected === undefined || expected === null ? {} : { expected: String(expected) }),
    ...(typeof truncated === 'boolean' ? { truncated } : {}),
    ...(typeof length === 'number' ? { length } : {}),
  };
}
