/**
 * Addresses of the Hub where commands take paths, typed as people type them, against a Hub on loopback: mixtures to train on, trace and export,
 * classifiers that were pushed, benchmarks by card, starting weights under another cache; what a run recorded names commits, and what cannot be
 * on the Hub is refused with the cure.
 */
import '../jobs/compile-cache.ts';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../src/io/package-root.ts';
import { openDevice } from '../../trainer/gpu/device.ts';
import { runLine } from '../cli/run-line.ts';
import { scratchFolder } from '../io/scratch.ts';
import { prose } from '../jobs/corpus.ts';
import { sums, writeEvalModel } from '../trainer/eval-model.ts';
import { LoopbackHub } from './loopback-hub.ts';

const root = scratchFolder();
const token = 'hf_commands';
let hub: LoopbackHub;
let data: string;
let model: string;
let homes = 0;

const run = (line: string) => runLine(root, `midtrain ${line}`);
const facts = async <T>(line: string): Promise<T> => JSON.parse((await run(`${line} --json`)).out) as T;
const write = (name: string, text: string): void => writeFileSync(join(root, name), text);
const lines = (rows: readonly object[]): Buffer =>
  Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const pages = Array.from({ length: 60 }, (_, i) => ({ id: `d${i}`, text: prose(i + 1, 12) }));

const training = (from: string): string => `
name: small
out: ${root}/runs/small
data: hf://datasets/me/mix
sequence_length: 31
micro_batch_size: 1
autotune: false
${from}
stable: { steps: 2, learning_rate: 0.001 }
`;

beforeAll(async () => {
  hub = await new LoopbackHub(token).start();
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  vi.stubEnv('HF_TOKEN', token);
  newCache();
  const gpu = await openDevice();
  await writeEvalModel(gpu, join(root, 'model'), 1);
  await gpu.close();
  mkdirSync(join(root, 'in'));
  writeFileSync(join(root, 'in/pages.jsonl'), lines(pages));
  write(
    'mix.yaml',
    'name: mix\ntokenizer: model\nbudget: 3k\nsequenceLength: 31\nfill: web\nsources:\n  web: { role: web, data: ./in/pages.jsonl }\n',
  );
  await run('mix mix.yaml --tokenizer model --out runs/mix');
  await run('push runs/mix me/mix');
  await run('push model me/model');
  model = hub.repositories.get('models/me/model')!.branches.get('main')!;
  data = hub.commit(
    hub.repository('dataset', 'me/data'),
    'main',
    new Map([
      ['pages.jsonl', lines(pages)],
      ['sums.jsonl', lines(sums(4))],
      [
        'gsm8k.jsonl',
        lines(sums(3).map((row, i) => ({ ...row, question: `How many ${i}?`, answer: `#### ${i}` }))),
      ],
    ]),
  );
}, 120_000);

beforeEach(() => {
  newCache();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
});

function newCache(): void {
  vi.stubEnv('HF_HOME', join(root, `home-${homes++}`));
}

describe('a mixture on the Hub', () => {
  it('is traced, exported and described for training as the one here', async () => {
    const here = await facts<object>('trace runs/mix --sequence 3 --offset 2');
    expect(await facts<object>('trace hf://datasets/me/mix --sequence 3 --offset 2')).toMatchObject({
      ...here,
      shard: expect.anything() as unknown,
    });
    const shape = 'hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 4, num_key_value_heads: 2';
    write('train.yaml', training(`model: { ${shape}, intermediate_size: 48 }`));
    const { out } = await run(
      'export nanotron hf://datasets/me/mix train.yaml --out nano --nodes 1 --gpus 1 --dry-run',
    );
    expect(out).toMatch(/would write .*nano/);
    const described = await facts<{ lines: string[] }>('train train.yaml --phase stable --dry-run');
    expect(described.lines.join('\n')).toMatch(/31/);
  }, 60_000);

  it('is trained on from weights of the Hub, and a machine with another cache goes on', async () => {
    write('train.yaml', training('init: hf://me/model'));
    await run('train train.yaml --phase stable');
    newCache();
    write('train.yaml', training('init: hf://me/model').replace('steps: 2', 'steps: 3'));
    const { out } = await run('train train.yaml --phase stable');
    expect(out).toContain('step-0000003');
    const record = readFileSync(join(root, 'runs/small/stable/run.json'), 'utf8');
    expect(record).toContain(`hf://me/model@${model}`);
    expect(record).not.toContain('snapshots');
  }, 120_000);
});

describe('a classifier on the Hub', () => {
  it('is pushed with its card and scores as the folder or the file that it is', async () => {
    const { card } = await facts<{ card: string }>(
      `push ${join(packageRoot(), 'classifiers/math-text')} me/math`,
    );
    expect(card).toBe('there');
    const files = hub.commits.get(hub.repositories.get('models/me/math')!.branches.get('main')!)!;
    const readme = hub.contents.get(files.get('README.md')!.oid)!;
    expect(readme.toString()).toBe(
      readFileSync(join(packageRoot(), 'classifiers/math-text/card.md'), 'utf8'),
    );
    const scores: unknown[] = [];
    for (const [i, what] of [
      'bundled:math-text',
      'hf://me/math',
      'hf://me/math/model.bin --label math --prepare megamath',
    ].entries()) {
      const [name, ...flags] = what.split(' ');
      const line = [
        'classify score',
        name,
        'hf://datasets/me/data/pages.jsonl --out',
        `scores-${i}`,
        ...flags,
      ];
      const { ledger } = await facts<{ ledger: object }>(line.join(' '));
      const [file] = readdirSync(join(root, `scores-${i}`)).filter((one) => one.endsWith('.parquet'));
      scores.push({ ...ledger, content: readFileSync(join(root, `scores-${i}`, file!)).toString('base64') });
    }
    expect(scores).toEqual([scores[0], scores[0], scores[0]]);
    expect(scores[0]).toMatchObject({ kept: pages.length });
  }, 60_000);
});

describe('problems on the Hub', () => {
  it('are pinned, also behind the name of a card and where a card says that they are', async () => {
    const card = hub.commit(
      hub.repository('dataset', 'openai/gsm8k'),
      'main',
      new Map([['main/test-0.jsonl', lines([{ question: 'How many?', answer: '#### 3' }])]]),
    );
    await run(
      'eval hf://me/model --problems hf://datasets/me/data/sums.jsonl --problems gsm8k=hf://datasets/me/data/gsm8k.jsonl --problems gsm8k --max-tokens 2 --out runs/eval',
    );
    const text = readFileSync(join(root, 'runs/eval/run.json'), 'utf8');
    expect(text).toContain(`"hf://datasets/me/data@${data}/sums.jsonl"`);
    expect(text).toContain(`"hf://datasets/me/data@${data}/gsm8k.jsonl"`);
    expect(text).toContain(`"hf://datasets/openai/gsm8k@${card}/main/`);
    expect(text).toContain(`hf://me/model@${model}`);
    expect(text).not.toContain('snapshots');
  }, 60_000);

  it('are what a filter is decontaminated against, and their commit and hash stand in its plan', async () => {
    write(
      'clean.yaml',
      'name: clean\ninputs: [{ path: hf://datasets/me/data/pages.jsonl }]\nsignals: [gopher-quality]\nthresholds: { use: [] }\ndedup: none\n',
    );
    await run(
      'filter clean.yaml --benchmark gsm8k-test=hf://datasets/me/data/gsm8k.jsonl --out runs/clean --workers 1',
    );
    const plan = JSON.parse(readFileSync(join(root, 'runs/clean/plan.json'), 'utf8')) as {
      resources: { path: string; fingerprint: string }[];
    };
    const pinned = `hf://datasets/me/data@${data}/gsm8k.jsonl`;
    expect(plan.resources).toContainEqual(expect.objectContaining({ path: pinned }));
    expect(JSON.stringify(plan)).not.toContain(process.env.HF_HOME);
  }, 60_000);
});

describe('an address', () => {
  it('is an input of tokenizer and a model of generate', async () => {
    await run('tokenizer train hf://datasets/me/data/pages.jsonl --out tok --vocab-size 300');
    expect(existsSync(join(root, 'tok/tokenizer.json'))).toBe(true);
    const { out } = await run('generate hf://me/model --prompt 2+2 --max-tokens 2 --seed 1');
    expect(out.length).toBeGreaterThan(0);
  }, 60_000);

  it.each([
    ['inspect hf://datasets/me/data', /reads the run folder of a filter, which is not pushed/],
    ['recut hf://datasets/me/data', /reads the signals of a run folder/],
    ['card hf://datasets/me/data', /written into a folder of this disk/],
    ['push hf://datasets/me/data me/other', /what is pushed is a folder of this disk/],
  ])('cannot be had by %s, and the error says so', async (line, message) => {
    await expect(run(line)).rejects.toThrow(message);
  });
});
