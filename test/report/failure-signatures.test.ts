/** The failure signatures in the words of a report. The rules themselves: test/signatures. */
import { describe, expect, it } from 'vitest';
import type { MetricRow } from '../../src/core/record.ts';
import {
  collapseChecked,
  isCollapse,
  type Signature,
  signaturesOf,
  verdictInWords,
} from '../../src/report/failure-signatures.ts';

const rows = (values: readonly (readonly [accuracy: number, length: number])[], cap = 100): MetricRow[] =>
  values.map(([accuracy, length], i) => ({
    step: 4 * i,
    eval_accuracy: accuracy,
    eval_problems: 500,
    'eval_completions/mean_correct_length': length,
    'completions/max_allowed_length': cap,
  }));

const of = (signatures: readonly Signature[], name: string) => signatures.find((s) => s.signature === name)!;

describe('the signatures of a run in a report', () => {
  const lost = rows([
    [0.5, 40],
    [0.52, 60],
    [0.5, 80],
    [0.3, 95],
    [0.2, 96],
    [0.1, 99],
  ]);

  it('say what fired, where, and against what', () => {
    const signatures = signaturesOf(lost, [], {}, undefined);
    expect(of(signatures, 'length_saturation')).toMatchObject({ state: 'fired', step: 16 });
    expect(of(signatures, 'accuracy_collapse')).toMatchObject({ state: 'fired', step: 12 });
    expect(of(signatures, 'accuracy_collapse').words).toBe(
      'Accuracy collapse at step 12: accuracy fell to 30.0 % from 51.0 % at step 4.',
    );
    expect(signatures.filter(isCollapse)).toHaveLength(2);
    expect(verdictInWords(signatures, 6)).toBe('Accuracy collapsed at step 12, length saturated at step 16.');
  });

  it('say how near a sound run came, and what its log could not tell', () => {
    const sound = signaturesOf(
      rows([
        [0.1, 10],
        [0.2, 12],
        [0.3, 20],
        [0.3, 22],
      ]),
      [],
      {},
      undefined,
    ); // prettier-ignore
    expect(of(sound, 'length_saturation').words).toBe(
      'No length saturation: at most 20.0 % of the allowed length (step 12), the threshold is 90.0 % of the allowed length.',
    );
    expect(of(sound, 'entropy_collapse').state).toBe('not-checked');
    expect(collapseChecked(sound)).toBe(true);
    expect(verdictInWords(sound, 4)).toBe('No collapse seen in 4 evaluations.');
    const nothing = signaturesOf([{ step: 0, reward: 1 }], [], {}, undefined);
    expect(collapseChecked(nothing)).toBe(false);
    expect(verdictInWords(nothing, 0)).toBe('Collapse could not be checked: too few evaluations.');
  });

  it('hold to the thresholds that the run was watched with', () => {
    const config = {
      signatures: { accuracy_collapse: { enabled: false }, length_saturation: { threshold: 0.97 } },
    };
    const signatures = signaturesOf(lost, [], config, undefined);
    expect(signatures.some((s) => s.signature === 'accuracy_collapse')).toBe(false);
    expect(of(signatures, 'length_saturation').state).toBe('clear');
  });

  it('read the stored responses of a run that logged no shares', () => {
    const loop = `x${' Solution'.repeat(20)}`;
    const stored = Array.from({ length: 4 }, (_, step) =>
      Array.from({ length: 4 }, (_, i) => ({
        step,
        prompt: '',
        reward: 0,
        completion: i < 2 ? loop : 'fine',
      })),
    ).flat();
    expect(of(signaturesOf([], stored, {}, undefined), 'repetition_loop')).toMatchObject({
      state: 'fired',
      step: 3,
    });
  });
});
