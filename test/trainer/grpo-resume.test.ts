/** With which changes of its config a GRPO run may go on. Pure. */
import { describe, expect, it } from 'vitest';
import { grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { courseOf, grpoChanges, grpoSettings, resumeState } from '../../trainer/grpo/resume.ts';
import type { TrainingState } from '../../trainer/learner/checkpoint.ts';

const config = (change: Record<string, unknown> = {}) =>
  grpoSettings(
    grpoConfigSchema.parse({
      ...{ name: 'r', out: 'runs/r', model: 'm', problems: 'p.jsonl', eval_problems: 'h.jsonl', steps: 10 },
      ...change,
    }),
    '.',
  );
const state = (settings = config()): TrainingState => ({
  phase: 'grpo',
  step: 4,
  optimizerSteps: 4,
  tokens: 100,
  data: { fingerprint: 'data', sequence: 8 },
  config: settings,
  configFingerprint: courseOf(settings),
});
const effects = (change: Record<string, unknown>) =>
  Object.fromEntries(grpoChanges(config(), config(change), 4).map(({ key, effect }) => [key, effect]));

describe('a GRPO run that goes on with another config', () => {
  it('knows what changes nothing, what changes the course, and what was decided at the start', () => {
    expect(
      effects({ name: 'other', checkpoint_every: 3, signatures: { length_slope: { action: 'stop' } } }),
    ).toEqual({
      name: 'harmless',
      checkpoint_every: 'harmless',
      'signatures.length_slope.action': 'harmless',
    });
    expect(effects({ beta: 0.1, top_p: 0.9 })).toEqual({ beta: 'course', top_p: 'course' });
    expect(effects({ model: 'n', eval_count: 3 })).toEqual({ model: 'start', eval_count: 'start' });
  });

  it('takes more steps at a constant rate, also beside another rate, and not on a cosine', () => {
    expect(effects({ steps: 20 })).toEqual({ steps: 'harmless' });
    expect(
      effects({
        steps: 20,
        schedule: { learning_rate: 1, warmup_steps: 0, decay: 'constant', min_lr_ratio: 0.1 },
      }),
    ).toEqual({
      steps: 'harmless',
      'schedule.learning_rate': 'course',
    });
    const cosine = { schedule: { learning_rate: 1, warmup_steps: 0, decay: 'cosine', min_lr_ratio: 0.1 } };
    expect(grpoChanges(config(cosine), config({ ...cosine, steps: 20 }), 4)).toMatchObject([
      { effect: 'course' },
    ]);
  });

  it('is refused key by key, and let pass by name, on record', () => {
    const now = config({ beta: 0.1 });
    expect(() => resumeState('runs/r', state(), now, 'data', [])).toThrow(/beta: 0 -> 0.1/);
    expect(() => resumeState('runs/r', state(), now, 'data', ['bta'])).toThrow(/no key of a GRPO config/);
    const { state: gone } = resumeState('runs/r', state(), now, 'data', ['beta']);
    expect(gone).toMatchObject({
      configFingerprint: courseOf(now),
      changes: [{ step: 4, key: 'beta', from: 0, to: 0.1 }],
    });
    expect(() => resumeState('runs/r', state(), config(), 'other', [])).toThrow(/other data/);
    expect(() => resumeState('runs/r', state(), config({ steps: 3 }), 'data', [])).toThrow(
      /has done 4 steps/,
    );
  });
});
