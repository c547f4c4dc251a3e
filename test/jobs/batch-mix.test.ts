/** A mixture made in shares: the bytes of the local run, wave after wave, whoever did what, was killed or drained. */
import './compile-cache.ts';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { messageOf } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { imbalance } from '../../src/core/ledger.ts';
import { openMixBatch, planMixBatch, prepareMixBatch } from '../../src/jobs/batch-mix.ts';
import { mixAlone } from '../../src/jobs/mix-alone.ts';
import { openBatchJob } from '../../src/jobs/open-batch-job.ts';
import { type MixResult, mix } from '../../src/stages/mix.ts';
import type { MixRequest } from '../../src/stages/mix-request.ts';
import { scratchFolder } from '../io/scratch.ts';
import { writeByteTokenizer } from '../stages/tiny-mix.ts';
import {
  cachedUnits,
  carryOut,
  outputHashes,
  share,
  shareRecipe,
  shareRequest,
  writeShareRecipe,
} from './mix-shares.ts';

const root = scratchFolder();
const out = (name: string): string => join(root, name);
const request = (output: string, more: Partial<MixRequest> = {}): MixRequest =>
  shareRequest(root, output, more);
let local: MixResult;

beforeAll(async () => {
  await writeShareRecipe(root);
  // A line that cannot be read, in a file that is used.
  appendFileSync(out('books/book-3.jsonl'), '{"id": "torn\n');
  for (let i = 0; i < 6; i++) appendFileSync(out(`books/book-${i}.jsonl`), '{"text": cut\n');
  local = await mix(request('local'));
});

/** A recipe of its own beside the shared one. */
function otherRecipe(name: string, text: string): MixRequest['loaded'] {
  writeFileSync(out(`${name}.yaml`), text);
  return shareRequestLoaded(name);
}

describe('a mixture in shares', () => {
  test('has the bytes of the local run, over as many waves as the sources need; every stage is told', async () => {
    await prepareMixBatch(request('shared'));
    const { surveys } = await carryOut(await openMixBatch(out('shared')), 3);
    expect(outputHashes(out('shared'))).toEqual(outputHashes(out('local')));
    const names = ['tokenise-1', 'tokenise-2', 'arrange', 'shards', 'write'];
    expect(surveys.map(({ stage }) => stage?.name)).toEqual([...names, undefined]);
    const [first, second, , shards] = surveys;
    const last = surveys.at(-1);
    expect(shards!.left).toEqual([
      'shards/00000',
      ...['web', 'books', 'made'].map((name) => `per-source/${name}/00000`),
    ]);
    // The generated source is one item; some units were done in vain, and not all of them were done.
    expect(first!.left.filter((id) => id.startsWith('made/'))).toEqual(['made/generated']);
    expect(second!.left.every((id) => id.startsWith('web/'))).toBe(true);
    expect(cachedUnits(out('shared'), 'books').length).toBeGreaterThan(
      cachedUnits(out('local'), 'books').length,
    );
    for (const { stage, left } of surveys.slice(0, 5)) {
      expect(left).toEqual(stage!.items.map(({ id }) => id));
      for (const { id, weight } of stage!.items) {
        expect(id).toMatch(/^[\w.\-/#]+$/);
        expect(weight).toBeGreaterThan(0);
      }
    }
    expect(last!.passed.map(({ name }) => name)).toEqual(names);
    expect(last!.passed.map(({ items }) => items)).toEqual([
      first!.left.length,
      second!.left.length,
      1,
      4,
      1,
    ]);
    for (const { ledger } of surveys) expect(imbalance(ledger!)).toBe(0);
    expect(last!.ledger).toEqual(surveys[2]!.ledger);
    expect(last!.losses.map(({ file, problem }) => [file, problem])).toEqual(
      local.failures.map(({ file, place, problem }) => [file, `${place}: ${problem}`]),
    );
    expect(local.failures.length).toBeGreaterThan(0);
  });

  test('counts what the local run counts', async () => {
    const { ledger } = await (await openMixBatch(out('shared'))).survey(new Map());
    const sum = (of: (l: (typeof local.manifest.sources)[number]['ledger']) => number): number =>
      local.manifest.sources.reduce((n, source) => n + of(source.ledger), 0);
    expect(ledger!.in).toBe(sum((l) => l.in));
    expect(ledger!.kept).toBe(sum((l) => l.kept));
    expect(ledger!.dropped.heldout).toBe(sum((l) => l.dropped.heldout ?? 0));
    expect(ledger!.failed.unreadable).toBe(sum((l) => l.failed.unreadable ?? 0));
  });

  test('goes on after a share was killed and others were drained; what they left over is gone in the end', async () => {
    const job = await prepareMixBatch(request('killed'));
    const stages = new Map();
    const { stage, left } = await job.survey(stages);
    stages.set(stage!.name, stage!);
    const script = fileURLToPath(new URL('./run-mix-share.ts', import.meta.url));
    const asked = {
      folder: out('killed'),
      stage: stage!.name,
      items: left,
      kill: { task: 'tokenise', after: 0 },
    };
    const child = spawnSync(process.execPath, [script, JSON.stringify(asked)], { encoding: 'utf8' });
    expect([child.signal, child.stderr]).toEqual(['SIGKILL', '']);
    const drain = new AbortController();
    const drained = await job.work(
      share(stage!.name, left, {
        drain: drain.signal,
        emit: (event) => event.kind === 'progress' && event.done > 0 && drain.abort(),
      }),
    );
    expect(drained.done).toBeGreaterThan(0);
    expect(drained.left).toBeGreaterThan(0);
    expect(await job.work(share(stage!.name, left, { drain: drain.signal }))).toEqual({
      done: 0,
      left: drained.left,
    });
    const after = await job.survey(stages);
    expect(after.stage).toEqual(stage);
    // Without those that turn out not to be needed.
    expect(after.left.length).toBeGreaterThan(0);
    expect(after.left.length).toBeLessThanOrEqual(drained.left);
    // As a write that was cut off leaves it, which another share may be about to finish.
    const cache = readdirSync(out('killed/cache')).find((name) => name.startsWith('books-'))!;
    const leftover = out(`killed/cache/${cache}/x.tokens.tmp-1-0-1`);
    writeFileSync(leftover, 'half');
    await carryOut(job, 2, { stages, until: 'arrange' });
    await prepareMixBatch(request('killed'));
    expect(existsSync(leftover)).toBe(true);
    await carryOut(job, 2, { stages });
    expect(existsSync(leftover)).toBe(false);
    expect(readdirSync(out('killed')).filter((name) => name.endsWith('.lock'))).toEqual([]);
    expect(outputHashes(out('killed'))).toEqual(outputHashes(out('local')));
  });

  test('arranging or a write that is drained lets go of the folder and begins anew', async () => {
    const job = await prepareMixBatch(request('rewritten'));
    const { stages } = await carryOut(job, 1, { until: 'arrange' });
    const drained = share('arrange', ['arrange'], { drain: AbortSignal.abort() });
    expect(await job.work(drained)).toEqual({ done: 0, left: 1 });
    expect((await job.survey(stages)).stage!.name).toBe('arrange');
    await carryOut(job, 1, { stages, until: 'write' });
    const drain = new AbortController();
    const emit = (event: ProgressEvent): void => {
      if (event.kind === 'start' && event.task === 'mix') drain.abort();
    };
    expect(await job.work(share('write', ['write'], { drain: drain.signal, emit }))).toEqual({
      done: 0,
      left: 1,
    });
    expect(existsSync(out('rewritten/manifest.json'))).toBe(false);
    expect((await job.survey(stages)).stage!.name).toBe('write');
    expect(await job.work(share('write', ['write']))).toEqual({ done: 1, left: 0 });
    expect(await job.work(share('write', ['write']))).toEqual({ done: 0, left: 0 });
    expect(outputHashes(out('rewritten'))).toEqual(outputHashes(out('local')));
    // What was written is there only as long as all of it is.
    rmSync(out('rewritten/samples.md'));
    expect((await job.survey(stages)).stage!.name).toBe('write');
    await carryOut(job, 1, { stages });
    expect(outputHashes(out('rewritten'))).toEqual(outputHashes(out('local')));
  });

  test('a unit that lies behind the end of its source is not waited for, a damaged one is made again', async () => {
    const job = await prepareMixBatch(request('vain'));
    const stages = new Map();
    const wave = (await job.survey(stages)).stage!;
    stages.set(wave.name, wave);
    const books = wave.items.map(({ id }) => id).filter((id) => id.startsWith('books/'));
    expect(books.length).toBeGreaterThan(1);
    await job.work(share(wave.name, [books[0]!]));
    expect((await job.survey(stages)).left.filter((id) => id.startsWith('books/'))).toEqual([]);
    const [unit] = cachedUnits(out('vain'), 'books');
    const folder = readdirSync(out('vain/cache')).find((name) => name.startsWith('books-'))!;
    writeFileSync(out(`vain/cache/${folder}/${unit}`), 'cut off');
    expect((await job.survey(stages)).left.filter((id) => id.startsWith('books/'))).toEqual(books);
    await expect(job.work(share('write', ['write']))).rejects.toThrow(
      'not all that this mixture needs is tokenised',
    );
    await carryOut(job, 4, { stages });
    expect(outputHashes(out('vain'))).toEqual(outputHashes(out('local')));
  });

  test('takes what a local run has tokenised, and a local run takes what shares have', async () => {
    const job = await prepareMixBatch(request('mixed'));
    const { stage, left } = await job.survey(new Map());
    await job.work(share(stage!.name, left.slice(0, 4)));
    await mixAlone(request('mixed'));
    expect(outputHashes(out('mixed'))).toEqual(outputHashes(out('local')));
    const { surveys } = await carryOut(job, 1);
    expect(surveys.map((survey) => survey.stage?.name)).toEqual(['arrange', 'write', undefined]);
    expect(outputHashes(out('mixed'))).toEqual(outputHashes(out('local')));
  });

  test('with whole documents and padding it is that of the local run too', async () => {
    const packed = { packing: 'best-fit' as const, perSource: false };
    await mix(request('packed-local', packed));
    await carryOut(await prepareMixBatch(request('packed', packed)), 2);
    expect(outputHashes(out('packed'))).toEqual(outputHashes(out('packed-local')));
  });

  test('a tokenizer that the recipe trains is trained once', async () => {
    const loaded = otherRecipe('trained', shareRecipe({ tokenizer: '{ train: { vocabSize: 300 } }' }));
    await mix(request('trained-local', { loaded }));
    await prepareMixBatch(request('trained', { loaded }));
    const tasks: string[] = [];
    const job = await openMixBatch(out('trained'));
    await carryOut(job, 2, {
      work: (own) => job.work({ ...own, emit: (event) => event.kind === 'start' && tasks.push(event.task) }),
    });
    expect(new Set(tasks)).toEqual(new Set(['tokenise', 'mix', 'per source']));
    expect(outputHashes(out('trained'))).toEqual(outputHashes(out('trained-local')));
  });
});

describe('what cannot be', () => {
  test('a source that is too small is refused as by the local run, as soon as it is counted', async () => {
    const loaded = otherRecipe('small', shareRecipe({ budget: 90_000, repeatLimit: 1 }));
    const said = await mix(request('small-local', { loaded })).catch(messageOf);
    expect(said).toMatch(/web: needs .* and has/);
    const job = await prepareMixBatch(request('small', { loaded }));
    const stages = new Map();
    const { stage, left } = await job.survey(stages);
    stages.set(stage!.name, stage!);
    await job.work(share(stage!.name, left));
    expect(await job.survey(stages).catch(messageOf)).toBe(said);
  });

  test('a source without any text is refused as by the local run', async () => {
    const columns = 'data: ./web, columns: { text: words }';
    const loaded = otherRecipe('wordless', shareRecipe({}).replace('data: ./web', columns));
    const said = await mix(request('wordless-local', { loaded })).catch(messageOf);
    expect(said).toMatch(/source web: none of its \d+ records gives a text/);
    const job = await prepareMixBatch(request('wordless', { loaded }));
    expect(await carryOut(job, 2).catch(messageOf)).toBe(said);
  });

  test('an input that changed since, or is gone', async () => {
    const job = await prepareMixBatch(request('changed'));
    const { stage, left } = await job.survey(new Map());
    const item = left.find((id) => id.startsWith('books/'))!;
    const file = out(`books/${/book-\d+\.jsonl/.exec(item)![0]}`);
    const before = readFileSync(file);
    try {
      // Of the same size.
      writeFileSync(file, before.toString().replaceAll('book', 'cook'));
      await expect(job.work(share(stage!.name, [item]))).rejects.toThrow(`${file} has changed since`);
      rmSync(file);
      await expect(job.work(share(stage!.name, [item]))).rejects.toThrow(`${file} cannot be read`);
      expect(existsSync(out('changed/cache'))).toBe(false);
    } finally {
      writeFileSync(file, before);
    }
    expect(await job.work(share(stage!.name, [item]))).toEqual({ done: 1, left: 0 });
  });

  test('a tokenizer that changed since', async () => {
    const loaded = otherRecipe('retrained', shareRecipe({ tokenizer: 'own-tokens' }));
    await writeByteTokenizer(root, 257, 'own-tokens');
    const job = await prepareMixBatch(request('retrained', { loaded }));
    const { stage, left } = await job.survey(new Map());
    await writeByteTokenizer(root, 258, 'own-tokens');
    await expect(job.work(share(stage!.name, left))).rejects.toThrow(
      /own-tokens\/tokenizer.json has changed since/,
    );
    await expect(prepareMixBatch(request('retrained', { loaded }))).rejects.toThrow('the tokenizer differ');
  });

  test('a source on the Hub, before anything is asked of it', async () => {
    const address = 'hf://datasets/owner/pages/data.parquet';
    const loaded = otherRecipe('hub', shareRecipe({}).replace('data: ./web', `data: '${address}'`));
    await expect(prepareMixBatch(request('hub', { loaded }))).rejects.toThrow('is not on this machine');
    await expect(prepareMixBatch(request('hub', { loaded, download: true }))).rejects.toThrow(
      `on the Hugging Face Hub (${address})`,
    );
    expect(existsSync(out('hub'))).toBe(false);
  });

  test('a share of units that are none of this mixture', async () => {
    const job = await prepareMixBatch(request('shared'));
    await expect(job.work(share('tokenise-1', ['web/nothing']))).rejects.toThrow(
      'web/nothing is no unit of this mixture',
    );
  });

  test('a run of the whole job while a share is at work', async () => {
    const job = await prepareMixBatch(request('locked'));
    const { stage, left } = await job.survey(new Map());
    let refused: Promise<string> | undefined;
    const emit = (event: ProgressEvent): void => {
      if (event.kind === 'start') refused = mixAlone(request('locked')).then(() => 'done', messageOf);
    };
    expect((await job.work(share(stage!.name, left.slice(0, 1), { emit }))).done).toBe(1);
    expect(await refused).toMatch(/a rank of this job is at work/);
  });
});

describe('a folder', () => {
  test('of another request or other data is refused like another mixture, and replaced by --overwrite', async () => {
    const { plan } = await prepareMixBatch(request('again'));
    const job = await openMixBatch(out('again'));
    const { stage, left } = await job.survey(new Map());
    await job.work(share(stage!.name, left.slice(0, 3)));
    expect((await prepareMixBatch(request('again', { workers: 7 }))).plan).toBe(plan);
    for (const more of [
      { options: { budget: 14_000 } },
      { options: { seed: 9 } },
      { packing: 'best-fit' as const },
      { ratios: { set: { books: 0.3 } } },
      { perSource: false },
    ]) {
      await expect(prepareMixBatch(request('again', more))).rejects.toThrow(
        'the job of another mixture (shares)',
      );
      expect((await openMixBatch(out('again'))).plan).toBe(plan);
    }
    const units = cachedUnits(out('again'), 'web');
    expect(units.length).toBeGreaterThan(0);
    const other = await prepareMixBatch(request('again', { options: { seed: 9 }, overwrite: true }));
    expect(other.plan).not.toBe(plan);
    // The seed decides nothing about tokens.
    expect(cachedUnits(out('again'), 'web')).toEqual(units);
  });

  test('with a finished mixture: another is refused, the same is there already', async () => {
    const seven = { options: { seed: 7 } };
    await mix(request('finished'));
    await expect(prepareMixBatch(request('finished', seven))).rejects.toThrow(
      'already holds another mixture',
    );
    const before = outputHashes(out('finished'));
    await carryOut(await prepareMixBatch(request('finished')), 1);
    expect(outputHashes(out('finished'))).toEqual(before);
    await carryOut(await prepareMixBatch(request('finished', { ...seven, overwrite: true })), 1);
    expect(outputHashes(out('finished'))).not.toEqual(before);
    expect((await (await openMixBatch(out('finished'))).survey(new Map())).stage).toBeUndefined();
  });

  test('is not touched by a look at the job, which has the same plan and first stage', async () => {
    const loaded = otherRecipe('looked', shareRecipe({ tokenizer: '{ train: { vocabSize: 270 } }' }));
    const looked = await planMixBatch(request('looked', { loaded }));
    expect(existsSync(out('looked'))).toBe(false);
    const { stage } = await looked.survey(new Map());
    const job = await prepareMixBatch(request('looked', { loaded }));
    expect(looked.plan).toBe(job.plan);
    expect(stage).toEqual((await job.survey(new Map())).stage);
  });

  test('of another command, without a job, or with a damaged plan', async () => {
    // A filter job that is shared has no record before its end.
    mkdirSync(out('filter'));
    writeFileSync(out('filter/plan.json'), '{"command":"filter"}');
    await expect(prepareMixBatch(request('filter'))).rejects.toThrow('the run of another command (filter)');
    mkdirSync(out('foreign'));
    writeFileSync(out('foreign/run.json'), '{"command":"train"}');
    await expect(prepareMixBatch(request('foreign'))).rejects.toThrow(
      'holds the run of another command (train)',
    );
    await expect(openMixBatch(out('foreign'))).rejects.toThrow('there is no mix-plan.json');
    await expect(openBatchJob(out('foreign'))).rejects.toThrow('holds no job that many machines share');
    await expect(openBatchJob(out('nowhere'))).rejects.toThrow('there is no such folder');
    await prepareMixBatch(request('damaged'));
    expect((await openBatchJob(out('damaged'))).kind).toBe('mix');
    const path = out('damaged/mix-plan.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"need":', '"need":1'));
    await expect(openBatchJob(out('damaged'))).rejects.toThrow('do not fit its checksum');
    await prepareMixBatch(request('damaged'));
    expect((await openBatchJob(out('damaged'))).kind).toBe('mix');
  });

  test('whose data was moved: the job goes on with the new paths', async () => {
    const job = await prepareMixBatch(request('moved'));
    const { stage, left } = await job.survey(new Map());
    const books = left.filter((id) => id.startsWith('books/'));
    mkdirSync(out('elsewhere'));
    renameSync(out('books'), out('elsewhere/books'));
    try {
      const loaded = otherRecipe('moved', shareRecipe({}).replace('./books', './elsewhere/books'));
      await expect(job.work(share(stage!.name, books))).rejects.toThrow('cannot be read');
      const again = await prepareMixBatch(request('moved', { loaded }));
      expect(again.plan).toBe(job.plan);
      const opened = await openMixBatch(out('moved'));
      expect(await opened.work(share(stage!.name, books))).toEqual({ done: books.length, left: 0 });
    } finally {
      renameSync(out('elsewhere/books'), out('books'));
    }
  });
});

function shareRequestLoaded(name: string): MixRequest['loaded'] {
  return shareRequest(root, 'any', {}, `${name}.yaml`).loaded;
}
