/**
 * One step of the store carried out under its lock: its folder, its inputs as paths, its record at the end. What was begun by a process that was killed
 * goes on, by the means of the step's own command.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gpu } from '../../trainer/gpu/device.ts';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { makeFolder, removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { packageVersions } from '../io/package-root.ts';
import type { GridStep, StepKind } from './grid.ts';
import { runCorpus, runFilter, runMix, runProblems, runTokenizer } from './run-data-steps.ts';
import { runChains, runEvaluation, runGrpo, runTraining } from './run-model-steps.ts';
import type { StepRunner } from './step-job.ts';
import { mapReferences } from './step-key.ts';
import {
  type StepFailure,
  type StepRecord,
  type StepStore,
  stepFailureName,
  stepRecordName,
} from './store.ts';

const runners: Record<StepKind, StepRunner> = {
  problems: runProblems,
  corpus: runCorpus,
  filter: runFilter,
  tokenizer: runTokenizer,
  mix: runMix,
  'train-stable': runTraining,
  'train-decay': runTraining,
  chains: runChains,
  grpo: runGrpo,
  eval: runEvaluation,
};

export interface GpuHolder {
  open: () => Promise<Gpu>;
  /** Name of the adapter, once one was opened. */
  adapter: () => string | undefined;
}

export interface RunStepOptions {
  store: StepStore;
  gpu: GpuHolder;
  emit: Emit;
  signal: AbortSignal;
}

const begunName = 'begun.json';
const withGpu: ReadonlySet<StepKind> = new Set(['train-stable', 'train-decay', 'chains', 'grpo', 'eval']);

/** Does the step and writes its record. The caller holds its lock. Throws what the step throws; a failure is recorded with `recordFailure`. */
export async function runStep(
  step: GridStep,
  { store, gpu, emit, signal }: RunStepOptions,
): Promise<StepRecord> {
  const folder = store.folder(step.id);
  const { midtrain } = packageVersions() as { midtrain: string };
  makeFolder(folder);
  await removeLeftovers(folder);
  const begun = join(folder, begunName);
  const resumed = existsSync(begun);
  if (!resumed) await writeFileAtomic(begun, `${JSON.stringify({ midtrain })}\n`);
  const settings = mapReferences(step.settings, (reference) => {
    if ('file' in reference) return reference.file;
    const before = { id: reference.read, kind: kindOf(reference.read) };
    const place = store.output(before, reference.step);
    if (place === undefined)
      throw new InputError(store.folder(before.id), missing(reference.step), {
        hint: 'delete that folder: the step is then done again',
      });
    return place;
  });
  const began = performance.now();
  const summary = await runners[step.kind]({ step, folder, settings, gpu: gpu.open, emit, signal });
  const adapter = withGpu.has(step.kind) ? gpu.adapter() : undefined;
  const record: StepRecord = {
    version: 1,
    id: step.id,
    kind: step.kind,
    settings: step.settings,
    ...(step.seed === undefined ? {} : { seed: step.seed }),
    reads: step.reads,
    midtrain,
    ...(adapter === undefined ? {} : { adapter }),
    seconds: (performance.now() - began) / 1000,
    resumed,
    work: step.work,
    shape: step.shape,
    summary,
  };
  await writeFileAtomic(join(folder, stepRecordName), `${JSON.stringify(record, null, 2)}\n`);
  await rm(join(folder, stepFailureName), { force: true });
  return record;
}

/** What the step is told when an earlier one's folder lacks what its record promises. */
function missing(step: number | undefined): string {
  return step === undefined
    ? 'is recorded as done and lacks what it made'
    : `has no checkpoint of step ${step}, which another step starts from`;
}

function kindOf(id: string): StepKind {
  return id.slice(0, id.lastIndexOf('-')) as StepKind;
}

/** Says why a step failed, for the report and for the next run, which tries it again. */
export async function recordFailure(store: StepStore, step: GridStep, error: unknown): Promise<void> {
  const hint = error instanceof UserError ? error.hint : undefined;
  const failure: StepFailure = {
    version: 1,
    id: step.id,
    error: messageOf(error),
    ...(hint === undefined ? {} : { hint }),
  };
  await writeFileAtomic(
    join(store.folder(step.id), stepFailureName),
    `${JSON.stringify(failure, null, 2)}\n`,
  );
}
