/**
 * The ways RL fails in the paper's released curves, looked for in a run's own metrics (reference: recipe 4.7).
 *
 *   A  length saturation   mean response length >= 0.9 x the allowed length in 3 evaluations in a row
 *   B  accuracy collapse   accuracy < 80 % of its running best, once the best is >= 10 %
 *
 * Over the 35 distinct released runs these two flag the 5 bad ones and none of the 30 good ones. The thresholds were picked on
 * that same data, so they are in-sample: a warning light for another task, not a proof. Two more are looked for in stored
 * rollouts, with a limit of this project's own choice (the paper names the symptoms, no numbers): responses stuck in a
 * repetition, and responses that begin with `\boxed`.
 */
import { percent, whole } from './number-format.ts';
import { boxedFirst, repeats } from './repetition.ts';

/** One evaluation. `length` is the mean length of correct responses where that was logged. */
export interface Evaluation {
  step: number;
  /** 0 to 1. */
  accuracy?: number;
  /** 95 % interval of the accuracy. */
  low?: number;
  high?: number;
  /** Tokens. */
  length?: number;
  /** Tokens allowed at this step. */
  cap?: number;
}

const signatureThresholds = {
  lengthShareOfCap: 0.9,
  evaluationsInARow: 3,
  accuracyShareOfBest: 0.8,
  bestAtLeast: 0.1,
  /** Own choice, not the paper's. */
  shareOfRollouts: 0.5,
} as const;

export const signatureNote =
  'Length saturation: mean response length at or above 90 % of the allowed length in 3 evaluations in a row. ' +
  'Accuracy collapse: accuracy below 80 % of its running best, once that best is at least 10 %. ' +
  "Both thresholds were chosen on the paper's own released curves (there they flag the 5 bad runs of 35 and no good one), so they are " +
  'in-sample: a warning light on another task, not a proof. Repetition (a unit of 5 or more characters five times in a row) and ' +
  'boxed-first (the response begins with \\boxed) are counted in the stored rollouts and flagged when half of those of one step ' +
  'show it; that limit is our own.';

type SignatureName = 'length-saturation' | 'accuracy-collapse' | 'repetition' | 'boxed-first';

/** A signature and where it was first seen, or why it could not be looked for. */
export interface Signature {
  name: SignatureName;
  state: 'fired' | 'clear' | 'not-checked';
  /** The step at which it first held. */
  step?: number;
  /** In words, a full sentence. */
  words: string;
}

/** `evaluations` in order of step. Evaluations without a value for a rule are passed over by it. */
export function lengthSaturation(evaluations: readonly Evaluation[]): Signature {
  const name = 'length-saturation';
  const t = signatureThresholds;
  const measured = evaluations.filter((e) => e.length !== undefined && e.cap !== undefined);
  if (measured.length < t.evaluationsInARow) {
    return {
      name,
      state: 'not-checked',
      words:
        'Length saturation was not checked: fewer than three evaluations with a length and an allowed length.',
    };
  }
  let run = 0;
  for (const e of measured) {
    run = e.length! >= t.lengthShareOfCap * e.cap! ? run + 1 : 0;
    if (run === t.evaluationsInARow) {
      const words = `Length saturated at step ${whole(e.step)}: ${whole(e.length)} of ${whole(e.cap)} tokens allowed, the third evaluation in a row at 90 % or more.`;
      return { name, state: 'fired', step: e.step, words };
    }
  }
  const most = Math.max(...measured.map((e) => e.length! / e.cap!));
  return {
    name,
    state: 'clear',
    words: `No length saturation: mean length was at most ${percent(most, 0)} of the allowed length.`,
  };
}

/** `evaluations` in order of step, accuracies as shares. */
export function accuracyCollapse(evaluations: readonly Evaluation[]): Signature {
  const name = 'accuracy-collapse';
  const t = signatureThresholds;
  const measured = evaluations.filter((e) => e.accuracy !== undefined);
  if (measured.length < 2) {
    return {
      name,
      state: 'not-checked',
      words: 'Accuracy collapse was not checked: fewer than two evaluations were logged.',
    };
  }
  let best = measured[0]!;
  for (const e of measured) {
    if (best.accuracy! >= t.bestAtLeast && e.accuracy! < t.accuracyShareOfBest * best.accuracy!) {
      const noise = e.high !== undefined && e.high >= t.accuracyShareOfBest * best.accuracy!;
      const words =
        `Accuracy collapsed at step ${whole(e.step)}: ${percent(e.accuracy)} against a best of ${percent(best.accuracy)} at step ${whole(best.step)}.` +
        (noise
          ? ' The interval of that evaluation reaches back over the threshold, so noise alone could explain it.'
          : '');
      return { name, state: 'fired', step: e.step, words };
    }
    if (e.accuracy! > best.accuracy!) best = e;
  }
  const words =
    best.accuracy! < t.bestAtLeast
      ? `No accuracy collapse, but accuracy never reached 10 %, where the rule begins (best ${percent(best.accuracy)}).`
      : `No accuracy collapse in ${measured.length} evaluations (best ${percent(best.accuracy)} at step ${whole(best.step)}).`;
  return { name, state: 'clear', words };
}

/** What a share of one step's stored rollouts must be for this. */
export interface StepCompletions {
  step: number;
  completions: readonly string[];
}

export function repetitionShare(steps: readonly StepCompletions[]): Signature {
  return shareSignature('repetition', 'stuck in a repetition', 'Repetition', steps, repeats);
}

export function boxedFirstShare(steps: readonly StepCompletions[]): Signature {
  return shareSignature('boxed-first', 'beginning with \\boxed', 'Boxed-first', steps, boxedFirst);
}

function shareSignature(
  name: SignatureName,
  what: string,
  title: string,
  steps: readonly StepCompletions[],
  test: (completion: string) => boolean,
): Signature {
  const shares = steps
    .filter((s) => s.completions.length > 0)
    .map((s) => ({
      step: s.step,
      n: s.completions.length,
      hits: s.completions.filter((c) => test(c)).length,
    }));
  if (shares.length === 0)
    return { name, state: 'not-checked', words: `${title} was not checked: no rollouts were stored.` };
  const fired = shares.find((s) => s.hits / s.n >= signatureThresholds.shareOfRollouts);
  if (fired !== undefined) {
    const words = `${title}: ${fired.hits} of ${fired.n} stored rollouts of step ${whole(fired.step)} are ${what}.`;
    return { name, state: 'fired', step: fired.step, words };
  }
  const n = shares.reduce((sum, s) => sum + s.n, 0);
  const hits = shares.reduce((sum, s) => sum + s.hits, 0);
  return { name, state: 'clear', words: `${hits} of ${whole(n)} stored rollouts are ${what}.` };
}

/** One sentence for the top of a page: what fired and when, or that nothing did. */
export function verdictInWords(signatures: readonly Signature[], evaluations: number): string {
  const fired = signatures.filter((s) => s.state === 'fired').sort((a, b) => (a.step ?? 0) - (b.step ?? 0));
  if (fired.length === 0) {
    const checked = signatures.filter(
      (s) => s.state === 'clear' && (s.name === 'length-saturation' || s.name === 'accuracy-collapse'),
    );
    if (checked.length === 0) return 'Collapse could not be checked: too few evaluations.';
    return `No collapse seen in ${whole(evaluations)} evaluations.`;
  }
  const names: Record<SignatureName, string> = {
    'length-saturation': 'length saturated',
    'accuracy-collapse': 'accuracy collapsed',
    repetition: 'responses stuck in repetition',
    'boxed-first': 'answers before reasoning',
  };
  const text = fired.map((s) => `${names[s.name]} at step ${whole(s.step)}`).join(', ');
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
