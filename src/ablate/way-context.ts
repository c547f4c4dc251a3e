/** What the steps of one arm with one seed are planned from, and how they ask for each other. plan-way.ts makes it. */
import type { GridStep, OwnFile, StepKind, StepOutput } from './grid.ts';
import type { Plain } from './overlay.ts';
import type { OwnInputs } from './own-inputs.ts';
import type { CheckpointName, ProblemsOf, Way } from './way.ts';

export type Reference = StepOutput | OwnFile;

export interface WayContext {
  way: Way;
  seed: number;
  inputs: OwnInputs;
  /** Makes a step, or finds the one that agrees with it. */
  step(
    kind: StepKind,
    settings: Plain,
    more: { seed?: number; work: GridStep['work']; shape: unknown },
  ): GridStep;
  /** A problem set by its name, or a selection of it with the set replaced. `place`: where it is named, for messages. */
  problems(of: ProblemsOf, place: string): Reference | (Plain & { set: Reference });
  corpus(name: string, place: string): GridStep;
  filter(place: string): GridStep;
  chains(place: string): GridStep;
  tokenizer(): Reference;
  mix(phase: 'stable' | 'decay'): GridStep;
  train(phase: 'stable' | 'decay'): GridStep;
  grpo(): GridStep;
  /** A checkpoint of this arm, or of another. */
  checkpoint(name: CheckpointName, place: string, arm?: string): Reference;
}

/** A file of the user's own as settings hold it. */
export function ownFile({ inputs }: Pick<WayContext, 'inputs'>, path: string): OwnFile {
  return { file: inputs.resolve(path), content: inputs.contentOf(path) };
}
