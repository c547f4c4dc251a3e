/**
 * The failure signatures of src/signatures as a watcher of a GRPO run: a step's metrics and rollouts become an observation, the detector's findings go
 * back to the loop, and the value of every rule to metrics.jsonl. Of a rollout only two things are read, whether it is stuck in a repetition
 * and whether it begins with its answer, each in time linear in its length for ordinary text and bounded for any.
 */
import { SignatureDetector } from '../../src/signatures/detector.ts';
import type { Observation } from '../../src/signatures/observation.ts';
import { observationOf } from '../../src/signatures/read-row.ts';
import { answersFirst, repeats } from '../../src/signatures/repetition.ts';
import type { SignaturesConfig } from '../../src/signatures/rules.ts';
import type { RunWatcher, WatchedStep } from './watch.ts';

export function signatureWatcher(config: SignaturesConfig): RunWatcher {
  const detector = new SignatureDetector(config);
  let values: Record<string, number> = {};
  return {
    observe(seen) {
      const observation = observationOfStep(seen);
      const { findings, values: measured } = detector.observe(observation);
      const { repeating, answerFirst } = observation;
      // What only rollouts tell is logged raw, so that the rules can be replayed on metrics.jsonl.
      values =
        seen.rollouts.length === 0
          ? {}
          : { 'completions/repetition_ratio': repeating!, 'completions/answer_first_ratio': answerFirst! };
      for (const [name, value] of Object.entries(measured)) values[`signature/${name}`] = value;
      for (const { signature } of findings) values[`signature/${signature}/fired`] = 1;
      return findings;
    },
    values: () => values,
    state: () => detector.state(),
    restore: (state) => detector.restore(state),
  };
}

function observationOfStep({ step, metrics, rollouts, allowedLength }: WatchedStep): Observation {
  const n = rollouts.length;
  const share = (of: (completion: string) => boolean): number =>
    rollouts.filter(({ completion }) => of(completion)).length / n;
  return {
    ...observationOf({ ...metrics, step }, { cap: allowedLength, ...(n > 0 ? { samples: n } : {}) })!,
    ...(n > 0 ? { repeating: share(repeats), answerFirst: share(answersFirst) } : {}),
  };
}
