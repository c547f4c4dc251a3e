/**
 * What the failure signatures (src/signatures) say about a run of a report, in the words of a page. The same rules ran while the run went; here they
 * are replayed on what it left behind, so that old runs and runs of other trainers get the same verdict.
 */
import type { MetricRow } from '../core/record.ts';
import { observeRun } from '../signatures/observe-run.ts';
import { replaySignatures, type SignatureCheck } from '../signatures/replay.ts';
import type { SignatureName } from '../signatures/rule.ts';
import {
  defaultSignatures,
  ruleInWords,
  type SignaturesConfig,
  signaturesSchema,
} from '../signatures/rules.ts';
import { whole } from './number-format.ts';
import type { RolloutRow } from './report-run.ts';

/** One evaluation on held-out problems. */
export interface Evaluation {
  step: number;
  /** 0 to 1. */
  accuracy: number;
  /** 95 % interval of the accuracy. */
  low?: number;
  high?: number;
  /** Mean tokens of correct responses, else of all that were logged last. */
  length?: number;
  /** Tokens allowed at this step. */
  cap?: number;
}

export type Signature = SignatureCheck;

/** Those that mean the run was lost, and not a habit or a warning: the two that were held against the paper's released curves. */
const collapses: readonly SignatureName[] = ['length_saturation', 'accuracy_collapse'];

export const signatureNote =
  `Length saturation: ${uncapitalised(ruleInWords('length_saturation'))} ` +
  `Accuracy collapse: ${uncapitalised(ruleInWords('accuracy_collapse'))} ` +
  "On the paper's own released curves these two flag the bad runs and no sound one. The limits of the others are our own: a warning light, not a proof.";

/** `rows`: one a step, in order. `cap`: allowed length where the rows do not say. */
export function signaturesOf(
  rows: readonly MetricRow[],
  rollouts: readonly RolloutRow[],
  config: unknown,
  cap: number | undefined,
): Signature[] {
  const observations = observeRun(rows, rollouts, cap === undefined ? {} : { cap });
  return replaySignatures(observations, configOf(config)).checks.filter((check) => check.state !== 'off');
}

/** The thresholds that the run was watched with; the defaults for a run that had none or others than today's. */
function configOf(config: unknown): SignaturesConfig {
  const own = (config as { signatures?: unknown } | null | undefined)?.signatures;
  const parsed = signaturesSchema.safeParse(own ?? {});
  return parsed.success ? parsed.data : defaultSignatures;
}

export function isCollapse(signature: Signature): boolean {
  return signature.state === 'fired' && collapses.includes(signature.signature);
}

/** Whether the run logged enough to tell that it did not collapse. */
export function collapseChecked(signatures: readonly Signature[]): boolean {
  return signatures.some((s) => s.state === 'clear' && collapses.includes(s.signature));
}

/** Which of the two that mean a lost run the log did not hold enough for: `length saturation` where the allowed length is not known. */
export function collapsesNotChecked(signatures: readonly Signature[]): string[] {
  return signatures.flatMap(({ signature, state, title }) =>
    state === 'not-checked' && collapses.includes(signature) ? [title.toLowerCase()] : [],
  );
}

/** One sentence for the top of a page: what fired and when, or that nothing did. */
export function verdictInWords(signatures: readonly Signature[], evaluations: number): string {
  const fired = signatures.filter((s) => s.state === 'fired').sort((a, b) => (a.step ?? 0) - (b.step ?? 0));
  if (fired.length === 0) {
    if (!collapseChecked(signatures)) return 'Collapse could not be checked: too few evaluations.';
    const left = collapsesNotChecked(signatures);
    const but = left.length === 0 ? '' : `; ${left.join(' and ')} could not be checked`;
    return `No collapse seen in ${whole(evaluations)} evaluations${but}.`;
  }
  const names: Partial<Record<SignatureName, string>> = {
    length_saturation: 'length saturated',
    accuracy_collapse: 'accuracy collapsed',
    repetition_loop: 'responses stuck in repetition',
    premature_answer: 'answers before reasoning',
    length_explosion: 'responses cut off',
    length_slope: 'length running away',
    entropy_collapse: 'entropy collapsed',
    entropy_explosion: 'entropy exploded',
    zero_variance_groups: 'groups without a signal',
  };
  const text = fired
    .map((s) => `${names[s.signature] ?? s.title.toLowerCase()} at step ${whole(s.step)}`)
    .join(', ');
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function uncapitalised(text: string): string {
  return `${text[0]!.toLowerCase()}${text.slice(1)}`;
}
