/** A label step of a staged pipeline: a language model grades the documents of a sample (judge-label.ts). Answers lie in `answers/<step>.jsonl`. */
import { mkdir } from 'node:fs/promises';
import { fingerprint } from '../core/config.ts';
import { labelFiles } from '../stages/judge-label.ts';
import { loadRubric } from '../stages/load-judge-prompt.ts';
import { chatJobOf, paidOf, usedUp } from './paid-step.ts';
import type { RunStep } from './step-context.ts';
import { outputFile, readStepMarker, type StepResult, writeStepMarker } from './step-marker.ts';

/** A justification of at most 100 words and a line, with room for a model that says more. */
const defaultMaxTokens = 512;
const file = 'labels.parquet';

export const runLabelStep: RunStep<'label'> = async (context) => {
  const { folder, answers, plan, step, upstream } = context;
  const rubric = loadRubric(step.config.rubric, process.cwd());
  const model = plan.endpoint!.model;
  const basis = fingerprint([step.config, rubric, model, upstream]);
  const earlier = await readStepMarker(folder, basis);
  if (earlier !== undefined) return { result: earlier, reused: true };
  await mkdir(folder, { recursive: true });
  await mkdir(answers, { recursive: true });
  const job = chatJobOf(context, { model, maxTokens: defaultMaxTokens, temperature: 0 });
  const summary = await labelFiles({ ...job, rubric });
  const { ledger, scores, cropped, repaired } = summary;
  if ((ledger.failed.over_budget ?? 0) > 0)
    throw usedUp(context, context.paidBefore.promptTokens + context.paidBefore.completionTokens, ledger);
  const result: StepResult = {
    ledger,
    outputs: [await outputFile(folder, file, summary.rows)],
    facts: {
      rubric: rubric.name,
      model,
      'documents by score': Object.entries(scores)
        .map(([score, n]) => `${score}: ${n}`)
        .join(', '),
      ...(cropped > 0 ? { 'judged by their beginning': cropped } : {}),
      ...(repaired > 0 ? { 'asked more than once': repaired } : {}),
    },
    warnings: [],
    ...paidOf(summary),
    complete: Object.keys(ledger.failed).length === 0,
  };
  await writeStepMarker(folder, basis, result);
  return { result, reused: false };
};
