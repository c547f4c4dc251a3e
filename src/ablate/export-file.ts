/**
 * The small results of a grid in a folder that can be committed: what reports and measures are made from and what a grid needs to go on elsewhere; no
 * weights, no tokens, no place on any disk.
 *
 *   experiment.yaml  as it was given
 *   grid.json        the plan
 *   steps.jsonl.gz   a line a step that is done or failed: its record, its compact run (compact-run.ts) with metrics as columns, and a sha256 over these
 *   results.json     what was collected from them, for readers
 *   export.json      how many steps, and the sha256 of the other files
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { stableJson } from '../core/config.ts';
import { runRecordSchema } from '../core/record.ts';
import type { GridStep } from './grid.ts';
import { stepIdPattern } from './grid-file.ts';
import { columnsOfRows, metricColumnsSchema } from './metric-columns.ts';
import type { StepSource } from './step-source.ts';
import { stepRecordSchema } from './store.ts';

export const exportName = 'export.json';
export const stepsName = 'steps.jsonl.gz';
export const experimentName = 'experiment.yaml';

export const exportSchema = z.strictObject({
  version: z.literal(1),
  midtrain: z.string(),
  name: z.string(),
  steps: z.int().min(0),
  /** Of each other file; of a compressed one, of its text. */
  sha256: z.record(z.string(), z.string()),
});
export type ExportManifest = z.output<typeof exportSchema>;

const rolloutSchema = z.strictObject({
  step: z.number(),
  prompt: z.string(),
  completion: z.string(),
  reward: z.number(),
  answer: z.string().optional(),
  expected: z.string().optional(),
  truncated: z.boolean().optional(),
  length: z.number().optional(),
});

const doneSchema = z.strictObject({
  id: z.string().regex(stepIdPattern, 'not the id of a step'),
  /** What the plan does not say of it. */
  done: stepRecordSchema.pick({ midtrain: true, adapter: true, seconds: true, resumed: true, summary: true }),
  run: z
    .strictObject({
      record: runRecordSchema,
      metrics: metricColumnsSchema,
      rollouts: z.array(rolloutSchema),
    })
    .optional(),
});
const failedSchema = z.strictObject({
  id: z.string().regex(stepIdPattern, 'not the id of a step'),
  failed: z.string(),
});
const hashed = { sha256: z.string() };
export const stepLineSchema = z.union([doneSchema.extend(hashed), failedSchema.extend(hashed)]);
export type StepLine = z.output<typeof doneSchema> | z.output<typeof failedSchema>;

/** The line of a step, without its newline; undefined for one that was not run. */
export function stepLine(step: GridStep, source: StepSource): string | undefined {
  const content = lineContent(step, source);
  return content === undefined ? undefined : JSON.stringify({ sha256: contentHash(content), ...content });
}

/** Of a line's content, whatever order its keys are in. */
export function contentHash(content: object): string {
  return sha256(stableJson(content));
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function lineContent(step: GridStep, source: StepSource): StepLine | undefined {
  const { id } = step;
  if (source.status(step) === 'failed') return { id, failed: source.error(step) ?? 'no reason was kept' };
  const record = source.record(step);
  if (record === undefined) return undefined;
  const { midtrain, adapter, seconds, resumed, summary } = record;
  const run = source.run(step);
  return {
    id,
    done: { midtrain, ...(adapter === undefined ? {} : { adapter }), seconds, resumed, summary },
    ...(run === undefined
      ? {}
      : {
          run: {
            record: run.record,
            metrics: columnsOfRows(run.rows),
            rollouts: run.rollouts.map((row) => rolloutSchema.parse(withoutNull(row))),
          },
        }),
  };
}

function withoutNull(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}
