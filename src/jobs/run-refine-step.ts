/** A refine step of a staged pipeline: a language model rewrites every document that came so far (refine-files.ts). Answers lie in `answers/<step>.jsonl`. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { loadRefinePrompt } from '../stages/load-judge-prompt.ts';
import { refineFiles } from '../stages/refine-files.ts';
import { folders } from '../stages/run-layout.ts';
import type { OutputFile } from '../stages/unit-report.ts';
import { chatJobOf, paidOf } from './paid-step.ts';
import type { RunStep } from './step-context.ts';
import { outputFile, readStepMarker, type StepResult, writeStepMarker } from './step-marker.ts';

/** A piece of 12,000 characters has some 3,000 tokens, and more where it is formulas. */
const defaultMaxTokens = 8192;

export const runRefineStep: RunStep<'refine'> = async (context) => {
  const { folder, answers, plan, step, upstream } = context;
  const prompt = loadRefinePrompt(step.config.prompt, process.cwd());
  const model = plan.endpoint!.refineModel ?? plan.endpoint!.model;
  const basis = fingerprint([step.config, prompt, model, upstream]);
  const earlier = await readStepMarker(folder, basis);
  if (earlier !== undefined) return { result: earlier, reused: true };
  await mkdir(folder, { recursive: true });
  await mkdir(answers, { recursive: true });
  const job = chatJobOf(context, { model, maxTokens: defaultMaxTokens, temperature: 0 });
  const summary = await refineFiles({ ...job, prompt });
  const { ledger, charactersIn, charactersOut } = summary;
  const result: StepResult = {
    ledger,
    outputs: await keptFiles(folder),
    facts: {
      prompt: prompt.name,
      model,
      'characters before': charactersIn,
      'characters after': charactersOut,
    },
    warnings: [],
    ...paidOf(summary),
    complete: Object.keys(ledger.failed).length === 0,
  };
  await writeStepMarker(folder, basis, result);
  return { result, reused: false };
};

async function keptFiles(folder: string): Promise<OutputFile[]> {
  const kept = join(folder, folders.kept);
  if (!existsSync(kept)) return [];
  const files: OutputFile[] = [];
  for (const name of readdirSync(kept).sort())
    files.push(await outputFile(folder, join(folders.kept, name), 0));
  return files;
}
