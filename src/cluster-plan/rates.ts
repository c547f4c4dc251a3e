/**
 * What was measured of each stage of the data side: amounts and the CPU seconds they took, never the ratio alone, so that every rate of a plan can
 * be taken back to a run. `rates.json` has the bundled ones, written by test/bench/rates.ts (`npm run bench:rates`); run-rates.ts reads finished
 * runs of your own instead.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../core/config.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { packageRoot } from '../io/package-root.ts';

const count = z.number().nonnegative();
const above = z.number().positive();

/** A pass of a filter job over a sample. `bytes` are of content: HTML, or text in UTF-8, uncompressed. */
const filterSampleSchema = z.strictObject({
  pages: z.enum(['html', 'text']),
  pipeline: z.string(),
  /** Where the figures are from, in words. */
  source: z.string(),
  documents: above,
  /** Left out where only what lies on disk is known: then the rate of the first pass is by stored bytes. */
  bytes: above.optional(),
  /** The inputs as they lie on disk. */
  storedBytes: above,
  /** Of all texts that could be read. */
  textBytes: above,
  /** Documents that no rule drops, and their text. */
  survivors: count,
  survivorTextBytes: count,
  /** Of one core, over the first pass, signatures included. */
  measureSeconds: above,
  /** Seconds of wall clock times workers rather than CPU time, where a run recorded no more: at least as much. */
  measureIsWall: z.boolean().optional(),
  signalsBytes: count,
  /** The second pass over the survivors set aside in `work/`; left out where it was not measured. */
  finish: z
    .strictObject({
      workBytes: above,
      textBytes: above,
      seconds: above,
      keptBytes: above,
      keptTextBytes: above,
    })
    .optional(),
});
export type FilterSample = z.output<typeof filterSampleSchema>;

export const ratesSchema = z.strictObject({
  version: z.literal(1),
  /** How it was made. */
  command: z.string(),
  date: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, { error: 'must be a date such as 2026-11-23' }),
  commit: z.string(),
  machine: z.strictObject({
    cpu: z.string(),
    cores: z.int().positive(),
    memoryBytes: above,
    system: z.string(),
    node: z.string(),
    /** Load average over one minute, before and after: above 0.5 and the machine was not quiet. */
    load: z.tuple([count, count]),
  }),
  /** What the documents of the samples are. */
  corpus: z.string(),
  filter: z.array(filterSampleSchema).min(1),
  dedup: z.strictObject({
    documents: above,
    bands: z.int().positive(),
    units: z.int().positive(),
    parts: z.int().positive(),
    /** Finding edges with these units, and with many more of them for the same documents: the difference is opening files. */
    edgesSeconds: above,
    many: z.strictObject({ units: z.int().positive(), parts: z.int().positive(), edgesSeconds: above }),
    clusterSeconds: above,
    chooseSeconds: above,
    /** Documents in clusters of two or more. */
    clustered: count,
    signatureBytes: above,
  }),
  score: z.strictObject({ model: z.string(), bytes: above, seconds: above }),
  tokenise: z.strictObject({
    tokenizer: z.string(),
    bytes: above,
    tokens: above,
    seconds: above,
    source: z.string().optional(),
  }),
  write: z.strictObject({ tokens: above, seconds: above, bytes: above, source: z.string().optional() }),
  memory: z.strictObject({ workers: z.int().positive(), peakBytes: above, inputBytes: above }),
});
export type Rates = z.output<typeof ratesSchema>;

export function bundledRatesFile(): string {
  return join(packageRoot(), 'src', 'cluster-plan', 'rates.json');
}

/** Throws an `InputError` for a file that is not JSON, a `UserError` for one of another form. */
export function readRates(file: string): Rates {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new InputError(file, `cannot be read as rates: ${messageOf(cause)}`, {
      cause,
      hint: 'give a file that `npm run bench:rates` wrote, or the folder of a finished filter or mix run',
    });
  }
  return parseConfig(ratesSchema, value, file);
}
