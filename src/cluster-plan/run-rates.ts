/**
 * Rates from finished runs instead of the bundled ones: a filter run gives the first pass (documents, bytes, what is kept), a mix run the tokeniser.
 * What a run does not record stays bundled, and the plan's assumptions say which is which. A run records wall clock, not CPU time: seconds
 * times workers is at least what a core takes, more if workers waited.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import type { RunRecord } from '../core/record.ts';
import { readRecord } from '../io/run-record.ts';
import { readPlan } from '../jobs/job-folder.ts';
import type { FilterSample, Rates } from './rates.ts';
import { readRates } from './rates.ts';

const filterSummary = z.object({
  ledger: z.object({ in: z.number().positive() }),
  stages: z.array(z.object({ name: z.string(), ledger: z.object({ kept: z.number() }) })).min(1),
  textBytes: z.number().positive(),
  keptTextBytes: z.number(),
  bytesIn: z.number().positive(),
  documentsPerSecond: z.number(),
  workers: z.number().positive(),
});

const mixSummary = z.object({
  totalTokens: z.number().positive(),
  sources: z.array(
    z.object({ availableTokens: z.number(), inputs: z.array(z.object({ bytes: z.number() })) }),
  ),
});

/** `paths`: files that `npm run bench:rates` wrote and folders of runs; a later one goes before an earlier one. */
export function ratesFrom(paths: readonly string[], bundled: Rates): Rates {
  let rates = bundled;
  for (const path of paths) {
    if (!existsSync(path))
      throw new UserError(`--rates ${path}: there is no such file or folder`, {
        hint: 'give a file that `npm run bench:rates` wrote, or the folder of a finished filter or mix run',
      });
    rates = statSync(path).isDirectory() ? withRun(rates, path) : readRates(path);
  }
  return rates;
}

function withRun(rates: Rates, folder: string): Rates {
  const record = readRecord(folder);
  if (record.status !== 'done')
    throw new UserError(`--rates ${folder}: the run is ${record.status}, and rates come from finished runs`, {
      hint: 'run it to its end, or leave it out',
    });
  if (record.command === 'filter')
    return { ...rates, filter: [filterSample(record, folder), ...rates.filter] };
  if (record.command === 'mix') return { ...rates, tokenise: tokeniseOf(record, folder, rates) };
  throw new UserError(`--rates ${folder}: a ${record.command} run says nothing of the data stages`, {
    hint: 'give the folder of a filter or mix run',
  });
}

function filterSample(record: RunRecord, folder: string): FilterSample {
  const summary = parseConfig(filterSummary, record.summary, join(folder, 'run.json'));
  if (summary.documentsPerSecond <= 0)
    throw new UserError(`--rates ${folder}: the run found its units done, so it measured no speed`, {
      hint: isShared(record)
        ? 'filter a sample on one machine, without --executor slurm'
        : 'run it once more with --fresh',
    });
  const documents = summary.ledger.in;
  const survivors = summary.stages[0]!.ledger.kept;
  const html = isHtml(record, folder);
  return {
    pages: html ? 'html' : 'text',
    pipeline: record.name,
    source: `${folder}, ${record.startedAt.slice(0, 10)}, ${documents} documents, ${summary.workers} workers`,
    documents,
    // What HTML weighs uncompressed is not in the record.
    ...(html ? {} : { bytes: summary.textBytes }),
    storedBytes: summary.bytesIn,
    textBytes: summary.textBytes,
    survivors,
    survivorTextBytes: Math.round((summary.textBytes * survivors) / documents),
    measureSeconds: (documents / summary.documentsPerSecond) * summary.workers,
    measureIsWall: true,
    signalsBytes: bytesUnder(join(folder, 'signals')),
  };
}

/** Whether its last stage, an element of a job array, wrote the record. */
function isShared({ commandLine }: RunRecord): boolean {
  return commandLine?.[1] === 'jobs' && commandLine[2] === 'work';
}

/** Whether pages were read rather than texts. The plan knows what a folder held; without it the names of the inputs tell. */
function isHtml({ inputs }: RunRecord, folder: string): boolean {
  const plan = readPlan(folder);
  if (plan !== undefined)
    return plan.units.some(
      ({ read }) => read.format === 'html' || read.format === 'warc' || read.columns.html !== undefined,
    );
  return inputs.some(({ path }) => /\.(warc|html?)(\.gz)?$/i.test(path));
}

function tokeniseOf(record: RunRecord, folder: string, { tokenise }: Rates): Rates['tokenise'] {
  if (isShared(record))
    throw new UserError(
      `--rates ${folder}: many processes tokenised, and the run knows the time of the last one alone`,
      {
        hint: 'mix again on one machine, with --workers 1 into a new folder',
      },
    );
  const summary = parseConfig(mixSummary, record.summary, join(folder, 'run.json'));
  const flag = record.commandLine?.indexOf('--workers') ?? -1;
  const workers = flag < 0 ? undefined : Number(record.commandLine![flag + 1]);
  if (workers === undefined || !(workers > 0) || record.seconds === undefined)
    throw new UserError(`--rates ${folder}: the run does not say how many workers tokenised`, {
      hint: 'mix again with --workers 1 into a new folder',
    });
  const tokens = summary.sources.reduce((sum, source) => sum + source.availableTokens, 0);
  return {
    tokenizer: `the tokenizer of ${folder} (bytes a token: those of ${tokenise.tokenizer})`,
    bytes: (tokens * tokenise.bytes) / tokenise.tokens,
    tokens,
    seconds: record.seconds * workers,
    source: `${folder}, ${record.startedAt.slice(0, 10)}: ${record.seconds.toFixed(1)} s of wall clock x ${workers} workers, writing included`,
  };
}

function bytesUnder(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
