/**
 * The store of steps: `<root>/<step id>/`, beside all experiments, so that experiments share what agrees. A step's folder holds the run folder(s) of
 * what it did, which go on by themselves after a kill, and `step.json`, written last: only with it the step is done. `failed.json` says why one failed; a
 * rerun tries it again. A step that was imported has its small results and no weights: it counts as done, and is done again only when another step needs
 * what it lacks.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { checkpointName, isComplete, listCheckpoints } from '../../trainer/learner/checkpoint.ts';
import { parseConfig } from '../core/config.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { readIfThere } from '../io/read-if-there.ts';
import { type GridStep, type StepKind, type StepOutput, stepKinds } from './grid.ts';

export const stepRecordSchema = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  kind: z.enum(stepKinds),
  settings: z.record(z.string(), z.unknown()),
  seed: z.int().optional(),
  reads: z.array(z.string()),
  /** Version of midtrain, and the adapter's name where one was used. */
  midtrain: z.string(),
  adapter: z.string().optional(),
  /** Of the process that ended it; `resumed` when an earlier one had begun it, so that it says nothing about speed. */
  seconds: z.number(),
  resumed: z.boolean(),
  work: z.strictObject({
    count: z.number(),
    unit: z.enum(['documents', 'tokens', 'rollouts', 'samples']),
  }),
  shape: z.string(),
  /** Small figures: the run's own summary where it has one is in its run.json. */
  summary: z.record(z.string(), z.unknown()),
  imported: z.boolean().optional(),
});
export type StepRecord = z.output<typeof stepRecordSchema>;

const stepFailureSchema = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  error: z.string(),
  hint: z.string().optional(),
});
export type StepFailure = z.output<typeof stepFailureSchema>;

export const stepRecordName = 'step.json';
export const stepFailureName = 'failed.json';

export class StepStore {
  readonly root: string;

  /** `root`: absolute. Nothing is written. */
  constructor(root: string) {
    this.root = root;
  }

  /** The step's folder, whether there or not. */
  folder(id: string): string {
    return join(this.root, id);
  }

  /** The folder with the step's run.json (and metrics.jsonl, rollouts.jsonl ...), for those kinds that leave one. */
  runFolder({ id, kind }: { id: string; kind: StepKind }): string | undefined {
    const inside = runFolders[kind];
    return inside === undefined ? undefined : join(this.root, id, inside);
  }

  /** Undefined unless the step is done. Throws an `InputError` for a record that is none. */
  record(id: string): StepRecord | undefined {
    return readRecordFile(join(this.root, id, stepRecordName), stepRecordSchema);
  }

  /** Why the step failed when it was tried last; undefined when it did not, or is done since. */
  failure(id: string): StepFailure | undefined {
    if (existsSync(join(this.root, id, stepRecordName))) return undefined;
    return readRecordFile(join(this.root, id, stepFailureName), stepFailureSchema);
  }

  status(id: string): 'done' | 'failed' | 'not run' {
    if (existsSync(join(this.root, id, stepRecordName))) return 'done';
    return existsSync(join(this.root, id, stepFailureName)) ? 'failed' : 'not run';
  }

  /** What others read of a step, by its kind: a file of problems or pages, a folder of a run, a tokenizer, a checkpoint. Undefined where it is not there. */
  output({ id, kind }: Pick<GridStep, 'id' | 'kind'>, step?: StepOutput['step']): string | undefined {
    const folder = this.folder(id);
    const checkpoint = (run: string): string | undefined => {
      if (step === undefined) return listCheckpoints(join(folder, run)).at(-1);
      const named = join(folder, run, 'checkpoints', checkpointName(step));
      return isComplete(named) ? named : undefined;
    };
    const present = (name: string, marker = name): string | undefined =>
      existsSync(join(folder, marker)) ? join(folder, name) : undefined;
    switch (kind) {
      case 'problems':
        return present('problems.jsonl');
      case 'corpus':
        return present('pages.jsonl');
      case 'tokenizer':
        return present('tokenizer', join('tokenizer', 'tokenizer.json'));
      case 'chains':
        return present('chains.jsonl');
      case 'filter':
        return present(join('run', 'kept'));
      case 'mix':
        return present('run', join('run', 'shards'));
      case 'train-stable':
        return checkpoint('stable');
      case 'train-decay':
        return checkpoint('decay');
      case 'grpo':
        return checkpoint('run');
      case 'eval':
        return present('run', join('run', 'run.json'));
    }
  }
}

/** Where the run.json lies, by kind. */
const runFolders: Partial<Record<StepKind, string>> = {
  filter: 'run',
  mix: 'run',
  'train-stable': 'stable',
  'train-decay': 'decay',
  chains: 'run',
  grpo: 'run',
  eval: 'run',
};

function readRecordFile<S extends z.ZodType>(path: string, schema: S): z.output<S> | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(path, `is not JSON: ${messageOf(error)}`, {
      hint: 'delete the folder of this step: it is then done again',
      cause: error,
    });
  }
  return parseConfig(schema, value, path);
}
