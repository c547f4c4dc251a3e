/** A recorded run as observations: its rows, and, where they do not hold what only responses tell, the responses that were stored. */
import type { Observation } from './observation.ts';
import { type LoggedRow, observationOf, type RowOptions } from './read-row.ts';
import { answersFirst, repeats } from './repetition.ts';

export interface StoredResponse {
  step: number;
  completion: string;
}

/** `rows`: one a step, in order of step. `responses` in any order. */
export function observeRun(
  rows: readonly LoggedRow[],
  responses: readonly StoredResponse[] = [],
  options: RowOptions = {},
): Observation[] {
  const stored = new Map<number, string[]>();
  for (const { step, completion } of responses) {
    const texts = stored.get(step);
    if (texts === undefined) stored.set(step, [completion]);
    else texts.push(completion);
  }
  const seen = new Set<number>();
  const observations = rows.flatMap((row) => {
    const observation = observationOf(row, options);
    if (observation === undefined) return [];
    seen.add(observation.step);
    return withResponses(observation, stored.get(observation.step));
  });
  // Responses of steps that logged nothing.
  for (const [step, texts] of stored)
    if (!seen.has(step)) observations.push(withResponses({ step, evaluations: [] }, texts));
  return observations.sort((a, b) => a.step - b.step);
}

function withResponses(observation: Observation, texts: readonly string[] | undefined): Observation {
  if (texts === undefined || observation.repeating !== undefined) return observation;
  const share = (of: (text: string) => boolean): number => texts.filter((t) => of(t)).length / texts.length;
  const counts = { samples: texts.length, repeating: share(repeats), answerFirst: share(answersFirst) };
  return { ...counts, ...observation };
}
