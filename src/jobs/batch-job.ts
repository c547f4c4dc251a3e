/**
 * What a scheduler needs to know of a job that many machines share: its stages, the work in each, and what of it is left.
 *
 * All of it is read from the job's folder and markers; nothing here knows Slurm. A stage is a list of items; any process on any machine
 * that sees the folder may do any of them, and an item is done when its marker says so. Items of a stage do not depend on each other; a
 * stage depends on all items of the one before. (data-engine.md 6.4)
 */
import type { Emit } from '../core/events.ts';
import type { Ledger } from '../core/ledger.ts';

/** A piece of work that one process does: a unit, a part of the hash range, or all of a stage that cannot be shared. */
export interface BatchItem {
  /** Unique in its stage; letters, digits, `_ . - / #`. */
  id: string;
  /** Bytes to read or documents to compare: what ranks are balanced by. Above 0. */
  weight: number;
}

export interface BatchStage {
  /** Unique in the job: `measure`, `compare`, `dedup`, `finish`, `conclude`; `tokenise-1`, ..., `arrange`, `shards`, `write`. */
  name: string;
  /** The name without a number; options are given by it. */
  kind: string;
  /** In the job's order. */
  items: BatchItem[];
  /** One item that needs the folder for itself: nobody else may be at work. */
  alone: boolean;
}

export interface BatchSurvey {
  /** The first stage with work left; undefined when the job is whole. */
  stage: BatchStage | undefined;
  /** Ids of the items of `stage` that are not done, in its order. */
  left: string[];
  /** Stages that are through, in order. */
  passed: { name: string; items: number }[];
  /** Documents accounted for so far; balanced, or the survey throws. */
  ledger: Ledger | undefined;
  /** Items that are done with a loss: part of their input could not be read, or they were given up. They hold nothing up. */
  losses: { item: string; file: string; problem: string }[];
}

export interface BatchShare {
  stage: string;
  /** Ids; those that are done already are passed over. */
  items: readonly string[];
  workers: number;
  /** Once aborted, no further item is begun; those in hand are finished. */
  drain: AbortSignal;
  emit: Emit;
}

export interface BatchJob {
  kind: 'filter' | 'mix';
  name: string;
  /** The run folder. */
  folder: string;
  /** Hash of the plan. */
  plan: string;
  /**
   * Where the job stands. `stages`: by name, stages that work was given out for; one that was given out keeps its items. Reads markers and sizes of
   * files, not their contents. Throws a `UserError` when a ledger does not balance.
   */
  survey(stages: ReadonlyMap<string, BatchStage>): Promise<BatchSurvey>;
  /**
   * Does a share of a stage whose predecessors are through. Answers what is left of it. Throws a `UserError` when the stage's inputs are not there, when an input
   * has changed since the plan was made, or when no item can be done (disk full, no permission); finished items stay.
   */
  work(share: BatchShare): Promise<{ done: number; left: number }>;
}
