/** `grid.json`: the plan of an experiment, read back. The file may come from elsewhere, so everything in it is checked before anything is done with it. */
import { join } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../core/config.ts';
import { InputError } from '../core/errors.ts';
import { readJsonFile } from '../io/json-file.ts';
import { type Grid, stepKinds } from './grid.ts';

export const gridName = 'grid.json';

/** The only form a step's id has: it names a folder, so nothing else may get through. */
export const stepIdPattern = new RegExp(`^(?:${stepKinds.join('|')})-[0-9a-f]{16}$`);

const stepIdSchema = z.string().regex(stepIdPattern, 'not the id of a step');
const pairSchema = z.strictObject({ arm: z.string(), seed: z.string() });

const gridSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  title: z.string(),
  question: z.string(),
  paper: z.string().optional(),
  size: z.string(),
  changes: z.array(z.string()),
  seeds: z.array(z.string()),
  arms: z.array(
    z.strictObject({
      name: z.string(),
      describe: z.string().optional(),
      differences: z.array(
        z.strictObject({ path: z.string(), base: z.unknown().optional(), value: z.unknown().optional() }),
      ),
      state: z.enum(['decayed', 'constant rate', 'not trained']),
    }),
  ),
  cells: z.array(
    z.strictObject({
      arm: z.string(),
      seed: z.string(),
      steps: z.partialRecord(
        z.enum(['filter', 'mixStable', 'mixDecay', 'stable', 'decay', 'chains', 'grpo', 'tokenizer']),
        stepIdSchema,
      ),
      evals: z.record(z.string(), stepIdSchema),
      asked: z.array(stepIdSchema),
    }),
  ),
  steps: z.array(
    z.strictObject({
      id: stepIdSchema,
      kind: z.enum(stepKinds),
      settings: z.record(z.string(), z.unknown()),
      seed: z.int().optional(),
      reads: z.array(stepIdSchema),
      work: z.strictObject({
        count: z.number(),
        unit: z.enum(['documents', 'tokens', 'rollouts', 'samples']),
      }),
      shape: z.string(),
      usedBy: z.array(pairSchema),
    }),
  ),
  calibration: z.strictObject({ arm: z.string(), measure: z.string() }).optional(),
  comparisons: z.array(z.strictObject({ first: z.string(), second: z.string() })),
  measures: z.strictObject({
    primary: z.array(z.string()),
    smallest: z.record(z.string(), z.number()),
  }),
});

/** Throws an InputError or a UserError that names the file and the place. */
export async function readGrid(folder: string): Promise<Grid> {
  const path = join(folder, gridName);
  // Absent keys stay absent: zod gives no key for what is not there.
  const grid = parseConfig(gridSchema, await readJsonFile(path), path) as Grid;
  const ids = new Set(grid.steps.map(({ id }) => id));
  for (const [i, step] of grid.steps.entries()) {
    if (!step.id.startsWith(`${step.kind}-`))
      throw new InputError(path, `the step ${step.id} says it is of kind ${step.kind}`, {
        place: `steps.${i}`,
        hint: 'the file was changed by hand; take the one that midtrain wrote',
      });
  }
  const known = (id: string, place: string): void => {
    if (!ids.has(id))
      throw new InputError(path, `there is no step ${id}`, {
        place,
        hint: 'the file was changed by hand; take the one that midtrain wrote',
      });
  };
  for (const [i, { steps, evals, asked }] of grid.cells.entries())
    for (const id of [...Object.values(steps), ...Object.values(evals), ...asked]) known(id, `cells.${i}`);
  return grid;
}
