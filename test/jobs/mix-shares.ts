/** A small mixture whose sources are cut into many units, and its shared job carried out share by share, as a scheduler would. */
import './compile-cache.ts';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadRecipe } from '../../mixtures/load.ts';
import { silent } from '../../src/core/events.ts';
import type { BatchJob, BatchShare, BatchStage, BatchSurvey } from '../../src/jobs/batch-job.ts';
import type { MixRequest } from '../../src/stages/mix-request.ts';
import { settleMix } from '../../src/stages/settle-mix.ts';
import type { Parcel } from '../../src/stages/source-units.ts';
import { tinyText, writeByteTokenizer } from '../stages/tiny-mix.ts';

/** A JSONL file; `pad`: characters beside each text that no text is made of. */
function writeFile(path: string, name: string, documents: number, length: number, pad: number): void {
  const lines = Array.from({ length: documents }, (_, i) =>
    JSON.stringify({
      id: `${name}-${i}`,
      text: tinyText(name, i, 2 + (((i + 3) * 7919) % (2 * length))),
      pad: 'x'.repeat(pad),
    }),
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
}

export interface ShareRecipe {
  tokenizer?: string;
  budget?: number;
  repeatLimit?: number;
  seed?: number;
}

/**
 * `web`: sixteen files, a unit each, the first five in the order of units poor in text; `books`: six rich files, which are needed in part; `made`:
 * generated. With a token a byte, about 50,000 tokens in all.
 */
export async function writeShareRecipe(folder: string, recipe: ShareRecipe = {}): Promise<void> {
  for (const name of ['web', 'books']) mkdirSync(join(folder, name), { recursive: true });
  for (let i = 0; i < 16; i++) writeFile(join(folder, 'web', `part-${i}.jsonl`), `part${i}`, 30, 100, 100);
  for (let i = 0; i < 6; i++) writeFile(join(folder, 'books', `book-${i}.jsonl`), `book${i}`, 20, 200, 10);
  await writeByteTokenizer(folder);
  writeFileSync(join(folder, 'shares.yaml'), shareRecipe(recipe));
  const [web] = (await settleMix(shareRequest(folder, 'nowhere'))).sources;
  const { value: parcel } = await web!.parcels().next();
  for (const unit of (parcel as Parcel).units.slice(0, 5))
    if ('read' in unit) writeFile(unit.read.file, 'poor', 4, 20, 2000);
}

export function shareRecipe({
  tokenizer = 'byte-tokens',
  budget = 15_000,
  repeatLimit = 4,
  seed = 3,
}: ShareRecipe): string {
  return [
    'name: shares',
    `tokenizer: ${tokenizer}`,
    'sequenceLength: 63',
    `budget: ${budget}`,
    'fill: web',
    `repeatLimit: ${repeatLimit}`,
    `seed: ${seed}`,
    'heldout: 0.05',
    'sources:',
    '  web: { role: web, template: text, data: ./web }',
    '  books: { role: general, template: text, data: ./books, weight: 0.2 }',
    '  made: { role: qa, data: { generator: arithmetic, kind: qa, count: 200, seed: 3 }, weight: 0.15 }',
    '',
  ].join('\n');
}

export function shareRequest(
  folder: string,
  output: string,
  more: Partial<MixRequest> = {},
  recipe = 'shares.yaml',
): MixRequest {
  return {
    loaded: loadRecipe(recipe, folder),
    cwd: folder,
    output: join(folder, output),
    unitBytes: 16_000,
    perSource: true,
    ...more,
  };
}

/** sha256 of every file that the manifest lists, and of the manifest. */
export function outputHashes(output: string): Record<string, string> {
  const hash = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(join(output, path)))
      .digest('hex');
  const { files } = JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8')) as {
    files: { path: string }[];
  };
  return Object.fromEntries(
    [...files.map(({ path }) => path), 'manifest.json'].map((path) => [path, hash(path)]),
  );
}

/** What lies in the cache of a source, by name. */
export function cachedUnits(output: string, source: string): string[] {
  const cache = join(output, 'cache');
  const folder = readdirSync(cache).find((name) => name.startsWith(`${source}-`) && name.endsWith('.tokens'));
  return folder === undefined ? [] : readdirSync(join(cache, folder)).sort();
}

export function share(stage: string, items: readonly string[], more: Partial<BatchShare> = {}): BatchShare {
  return { stage, items, workers: 1, drain: new AbortController().signal, emit: silent, ...more };
}

export interface Carried {
  surveys: BatchSurvey[];
  stages: Map<string, BatchStage>;
  last: BatchSurvey;
}

/**
 * Does all stages: what is left of each by `ranks` processes' shares, the last share first, until nothing is left. `each` may do something else than the share;
 * `until`: stop before this stage.
 */
export async function carryOut(
  job: BatchJob,
  ranks: number,
  {
    stages = new Map(),
    until,
    work = (own) => job.work(own),
  }: {
    stages?: Map<string, BatchStage>;
    until?: string;
    work?: (own: BatchShare) => Promise<unknown>;
  } = {},
): Promise<Carried> {
  const surveys: BatchSurvey[] = [];
  for (let round = 0; round < 20; round++) {
    const survey = await job.survey(stages);
    surveys.push(survey);
    const { stage, left } = survey;
    if (stage === undefined || stage.kind === until) return { surveys, stages, last: survey };
    stages.set(stage.name, stage);
    const shares = Array.from({ length: ranks }, (_, rank) => left.filter((_, i) => i % ranks === rank));
    for (const own of shares.reverse()) if (own.length > 0) await work(share(stage.name, own));
  }
  throw new Error(`still not through: ${surveys.at(-1)?.left.join(', ')}`);
}
