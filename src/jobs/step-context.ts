/** What a step of a staged pipeline is handed, and the function that each kind of step is. */
import type { Emit } from '../core/events.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import type { PlannedStep, StepPlan } from '../stages/plan-steps.ts';
import type { StepConfig, StepOf } from '../stages/staged-config.ts';
import type { PaidTokens, StepResult } from './step-marker.ts';

export interface StepContext<K extends StepConfig['step'] = StepConfig['step']> {
  /** The job's folder. */
  out: string;
  /** The step's own folder, below it. */
  folder: string;
  /** Where answers that were paid for are kept; nothing here is ever cleared. */
  answers: string;
  pipeline: string;
  plan: StepPlan;
  step: PlannedStep & { config: StepOf<K> };
  /** Documents that it reads: the job's input, or files of the step before. */
  inputs: FilterConfig['inputs'];
  /** Content of what it reads from other steps, by step. */
  upstream: Record<string, string>;
  /** A model setting with `step:<name>` made into a path. */
  modelPath(model: string): string;
  workers: number | undefined;
  /** Documents of the job's input that are read at most; for steps that read it. */
  limit: number | undefined;
  /** What the steps before were charged for. */
  paidBefore: PaidTokens;
  emit: Emit;
  signal: AbortSignal;
}

/** Carries out a step, or finds that an earlier run did. */
export type RunStep<K extends StepConfig['step']> = (
  context: StepContext<K>,
) => Promise<{ result: StepResult; reused: boolean }>;

/** A step that has run, or was found done. */
export interface StepOutcome {
  step: PlannedStep;
  result: StepResult;
  reused: boolean;
}
