/**
 * `midtrain card`: cards of real runs made here (filter, recut, mix, tokenizer) and of records of training runs; the card of a filter run taken as
 * a data card again; licences; and what a person wrote is not replaced.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { loadCard, loadRecipe } from '../../mixtures/load.ts';
import { resolveSources } from '../../mixtures/sources.ts';
import { command as card } from '../../src/cli/card.ts';
import type { Command } from '../../src/cli/command.ts';
import { command as filter } from '../../src/cli/filter.ts';
import { command as mix } from '../../src/cli/mix.ts';
import { command as recut } from '../../src/cli/recut.ts';
import { command as tokenizer } from '../../src/cli/tokenizer.ts';
import { hubLicences } from '../../src/core/licences.ts';
import { inputsOfCard } from '../../src/io/card-input.ts';
import { startRun } from '../../src/io/run-record.ts';
import { authorOf, cardText, sizeCategory } from '../../src/report/hub-card.ts';
import { stagedFacts } from '../../src/report/staged-facts.ts';
import { prose } from '../jobs/corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-card-'));
afterAll(() => rmSync(root, { recursive: true }));

async function run(command: Command, args: string[], options: Record<string, unknown> = {}) {
  let out = '';
  const warnings: string[] = [];
  await command.run(
    {
      cwd: root,
      json: options.json === true,
      signal: new AbortController().signal,
      write: (text) => {
        out += text;
      },
      emit: (event) => {
        if (event.kind === 'message' && event.level === 'warn') warnings.push(event.text);
      },
    },
    args,
    options,
  );
  return { out, warnings };
}

const frontOf = (text: string) =>
  parseYaml(/^---\n([\s\S]*?)\n---\n/.exec(text)![1]!) as Record<string, unknown>;
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** The Hub's own rules for front matter, as far as a card of ours can break them. */
function checkFront(front: Record<string, unknown>) {
  expect(hubLicences).toContain(front.license);
  if (front.license === 'other') expect(front.license_name).toMatch(/^[a-z0-9.-]+$/);
  for (const size of (front.size_categories as string[] | undefined) ?? [])
    expect(size).toMatch(
      /^(n<1K|1K<n<10K|10K<n<100K|100K<n<1M|1M<n<10M|10M<n<100M|100M<n<1B|1B<n<10B|10B<n<100B|100B<n<1T|n>1T)$/,
    );
  for (const config of (front.configs as
    | { config_name: string; data_files: { split: string; path: string }[] }[]
    | undefined) ?? []) {
    expect(config.config_name).toMatch(/^[\w-]+$/);
    for (const { split, path } of config.data_files) {
      expect(split).toMatch(/^\w+$/);
      expect(path).not.toMatch(/^\/|\.\./);
    }
  }
}

const hostile = '<script>alert(1)</script> | `x` ![i](http://e.org/i.png)\n# not a heading';

beforeAll(async () => {
  const rows = [1, 2, 3, 4, 5, 6].map((seed) =>
    JSON.stringify({
      id: `d${seed}`,
      url: `https://e.org/${seed}`,
      text: seed === 6 ? 'short' : prose(seed, 12),
    }),
  );
  writeFileSync(join(root, 'in.jsonl'), `${rows.join('\n')}\n`);
  writeFileSync(
    join(root, 'source.md'),
    '---\nlicense: cc-by-4.0\npretty_name: S\nlanguage: [en]\nmidtrain: { role: general, data: { path: ./in.jsonl }, template: text, contamination: none }\n---\n# S\n',
  );
  writeFileSync(
    join(root, 'pipeline.yaml'),
    `name: web\ndescription: ${JSON.stringify(hostile)}\ninputs: [{ card: ./source.md }]\nsignals: [gopher-quality]\nthresholds: { use: [gopher-quality] }\ndedup: exact\n`,
  );
  await run(filter, ['pipeline.yaml'], { out: 'runs/web', workers: 1 });
}, 120_000);

describe('the card of a filter run', () => {
  test('has front matter for the Hub, thresholds, ledger and columns', async () => {
    const { out } = await run(card, ['runs/web']);
    expect(out).toBe(
      'runs/web/README.md: card of a corpus, licence cc-by-4.0 (the licence of every source)\n',
    );
    const text = read('runs/web/README.md');
    const front = frontOf(text);
    checkFront(front);
    expect(front).toMatchObject({
      license: 'cc-by-4.0',
      pretty_name: 'web',
      language: ['en'],
      size_categories: ['n<1K'],
      dataset_info: { splits: [{ name: 'train', num_examples: 5 }] },
    });
    expect((front.configs as { data_files: { path: string }[] }[])[0]!.data_files[0]!.path).toBe(
      'kept/*.parquet',
    );
    const features = (front.dataset_info as { features: { name: string; dtype: string }[] }).features;
    expect(features).toEqual(
      expect.arrayContaining([
        { name: 'text', dtype: 'string' },
        { name: 'gopher.word_count', dtype: 'float64' },
      ]),
    );
    expect(text).toContain('| kept | 5 | 83.3 % |');
    expect(text).toContain('| dropped: gopher\\_short\\_doc | 1 | 16.7 % |');
    expect(text).toContain('| gopher.word\\_count | at least 50 | 1 | 0 |');
    expect(text).toContain('not checked against any benchmark');
    expect(text).not.toContain(root);
  });

  test('--out is a file, not a folder', async () => {
    await expect(run(card, ['runs/web'], { out: 'runs' })).rejects.toThrow(/--out runs is a folder/);
  });

  test('a licence given once stays when the card is made again, until another is given', async () => {
    const made = async (license?: string) =>
      (await run(card, ['runs/web'], { out: 'again.md', ...(license === undefined ? {} : { license }) })).out;
    expect(await made()).toContain('licence cc-by-4.0 (the licence of every source)');
    expect(await made('odc-by')).toContain('licence odc-by (named');
    expect(await made()).toContain('licence odc-by (named');
    expect(frontOf(read('again.md')).license).toBe('odc-by');
    expect(await made('mit')).toContain('licence mit (named');
  });

  test('what a pipeline says of itself is text in it, not markup', () => {
    const text = read('runs/web/README.md');
    const outside = text.replace(/```[\s\S]*?```/g, '');
    expect(outside).not.toContain('<script>');
    expect(outside).not.toMatch(/^# not a heading/m);
    expect(outside).not.toMatch(/!\[i\]/);
  });

  test('is itself a data card: a recipe reads the run through it', async () => {
    const made = loadCard('./runs/web/README.md', root);
    expect(made).toMatchObject({
      name: 'web',
      license: 'cc-by-4.0',
      languages: ['en'],
      project: { role: 'general', template: 'text', licenseEvidence: 'own' },
    });
    expect(made.project.size.documents).toMatchObject({ value: 5, evidence: 'own' });
    expect(inputsOfCard(made)[0]).toMatchObject({
      path: join(root, 'runs/web/kept'),
      columns: { id: 'id', url: 'url', text: 'text' },
    });
    writeFileSync(
      join(root, 'mixture.yaml'),
      'name: small\ntokenizer: { train: { vocabSize: 300, specialTokens: ["<|end|>"] } }\nbudget: 2k\nsequenceLength: 64\nrepeatLimit: 100\nfill: web\nsources:\n  web: { card: ./runs/web/README.md }\n  qa: { card: demo-arithmetic-qa, weight: 0.3 }\n',
    );
    const [web] = resolveSources(loadRecipe('mixture.yaml', root), root);
    expect(web).toMatchObject({
      role: 'general',
      data: { kind: 'files', paths: [join(root, 'runs/web/kept')] },
    });
    await run(mix, ['mixture.yaml'], { out: 'runs/mix' });
    const manifest = JSON.parse(read('runs/mix/manifest.json')) as {
      sources: { name: string; documents: number }[];
    };
    expect(manifest.sources.find(({ name }) => name === 'web')!.documents).toBe(5);
    expect(JSON.parse(read('runs/mix/run.json'))).toMatchObject({ parents: [join(root, 'runs/web')] });
  });

  test('a licence is taken from the list of the Hub, and a wrong one is answered with the nearest', async () => {
    await expect(run(card, ['runs/web'], { license: 'odc_by', dryRun: true })).rejects.toThrow(
      'did you mean "odc-by"?',
    );
    const { out } = await run(card, ['runs/web'], { license: 'odc-by', dryRun: true });
    expect(frontOf(out)).toMatchObject({ license: 'odc-by', midtrain: { licenseEvidence: 'own' } });
  });

  test('--dry-run writes nothing; --out changes where the data is said to be', async () => {
    const { out } = await run(card, ['runs/web'], {
      out: 'cards/web.md',
      dryRun: true,
      name: 'Other',
      role: 'code',
    });
    expect(existsSync(join(root, 'cards'))).toBe(false);
    expect(frontOf(out)).toMatchObject({
      pretty_name: 'Other',
      midtrain: { role: 'code', data: { path: '../runs/web/kept' } },
    });
  });

  test('a card that a person changed stays, unless --overwrite; one of ours is replaced', async () => {
    await run(card, ['runs/web'], { name: 'Again' });
    expect(frontOf(read('runs/web/README.md')).pretty_name).toBe('Again');
    const edited = read('runs/web/README.md').replace('license: cc-by-4.0', 'license: mit');
    writeFileSync(join(root, 'runs/web/README.md'), edited);
    await expect(run(card, ['runs/web'])).rejects.toThrow(/was written or changed by a person/);
    expect(read('runs/web/README.md')).toBe(edited);
    await run(card, ['runs/web'], { overwrite: true });
    expect(frontOf(read('runs/web/README.md')).license).toBe('cc-by-4.0');
    writeFileSync(join(root, 'runs/web/README.md'), '# mine\n');
    await expect(run(card, ['runs/web'])).rejects.toThrow(/was written or changed by a person/);
    await run(card, ['runs/web'], { overwrite: true });
  });

  test('a recut has one too, with the licence of what the run was made from', async () => {
    await run(recut, ['runs/web'], {
      set: [{ name: 'gopher_short_doc', value: 1 }],
      examples: 1,
      workers: 1,
      write: 'runs/web2',
    });
    const { out } = await run(card, ['runs/web2'], { dryRun: true });
    checkFront(frontOf(out));
    expect(frontOf(out)).toMatchObject({
      license: 'cc-by-4.0',
      midtrain: { role: 'general', data: { path: './kept' } },
    });
  });
});

describe('the card of a pipeline with steps', () => {
  const step = (name: string, config: Record<string, unknown>) => ({ name, config: { name, ...config } });
  const web = step('web', {
    step: 'filter',
    decontaminate: { benchmarks: [{ card: 'gsm8k-test', path: 'b' }] },
  });
  const refined = step('refined', { step: 'refine' });
  const endpoint = { url: 'http://x/v1', model: 'judge', refineModel: 'writer' };

  test('says what was checked when, and which model wrote the texts', async () => {
    const out = join(root, 'staged');
    mkdirSync(out);
    const record = startRun(out, {
      command: 'filter',
      name: 'pro',
      config: { steps: [web, refined], endpoint },
    });
    const ledger = { in: 3, kept: 2, dropped: { 'web.language': 1 }, failed: {} };
    record.finish('done', { ledger, stages: [], bytesOut: 10 });
    const { out: text } = await run(card, ['staged'], { dryRun: true });
    expect(text).toContain('**Decontamination**: checked against gsm8k-test in the step web, before');
    expect(text).toContain('**Rewritten by**: writer, a language model');
    const { midtrain } = frontOf(text) as { midtrain: { generatedBy: unknown; contamination: string } };
    expect(midtrain.generatedBy).toEqual([{ model: 'writer', license: 'unknown' }]);
    expect(midtrain.contamination).toMatch(/what it wrote was not checked/);
  });

  test.each([
    ['one pass', { signals: [] }, undefined],
    [
      'no refine step',
      { steps: [web], endpoint: null },
      ['checked against gsm8k-test in the step web', undefined],
    ],
    ['no benchmark', { steps: [refined], endpoint: { model: 'judge' } }, [undefined, 'judge']],
  ])('%s', (_, config, expected) => {
    const facts = stagedFacts(config);
    expect(facts && [facts.contamination, facts.rewrittenBy]).toEqual(expected);
  });
});

describe('the card of a mixture', () => {
  test('has sources, shares, repeats, files and how to read them; its licence is joined from the sources', async () => {
    const { warnings } = await run(card, ['runs/mix'], { use: 'redistribute' });
    const text = read('runs/mix/README.md');
    const front = frontOf(text);
    checkFront(front);
    // cc-by-4.0 and apache-2.0 ask the same of whoever uses them, so neither can stand for the other.
    expect(front).toMatchObject({ license: 'other', license_name: 'apache-2.0-cc-by-4.0', viewer: false });
    expect(text).toMatch(/\| web \| general \| text \| 70\.00 % \| \d+\.\d+ % \|/);
    expect(text).toMatch(/\| qa \| qa \| question-answer \| 30\.00 % \|/);
    expect(text).toMatch(/shards\/00000\.ds \| [\d,]+ \| [\d,]+ \| [0-9a-f]{16}/);
    expect(text).toContain('DatatroveFolderDataset("shards", seq_len=64, token_size=2');
    expect(text).toContain('dataset_weights: [1.0]');
    expect(text).toContain('- web: cc-by-4.0');
    expect(warnings).toEqual([]);
    expect(text).not.toContain(root);
  });

  test('a source of unknown licence makes the whole unknown, and is warned about by name', async () => {
    cpSync(join(root, 'runs/mix'), join(root, 'runs/mix2'), { recursive: true });
    const path = join(root, 'runs/mix2/run.json');
    const record = JSON.parse(readFileSync(path, 'utf8')) as {
      config: { recipe: { sources: Record<string, unknown> } };
    };
    record.config.recipe.sources.web = { data: './nothing-here', role: 'web', weight: 0.7 };
    writeFileSync(path, JSON.stringify(record));
    const { out, warnings } = await run(card, ['runs/mix2'], { dryRun: true });
    expect(frontOf(out).license).toBe('unknown');
    expect(warnings).toEqual([expect.stringMatching(/^web: the licence of its data is not known/)]);
    expect((await run(card, ['runs/mix2'], { dryRun: true, license: 'mit' })).warnings).toEqual([]);
  });

  test('a licence that a person wrote into the card of the filter run counts', async () => {
    const path = join(root, 'runs/web/README.md');
    const before = readFileSync(path, 'utf8');
    writeFileSync(
      join(root, 'plain.yaml'),
      read('mixture.yaml')
        .replace('{ card: ./runs/web/README.md }', '{ data: ./runs/web, role: web }')
        .replace('small', 'plain'),
    );
    await run(mix, ['plain.yaml'], { out: 'runs/plain' });
    writeFileSync(path, before.replace('license: cc-by-4.0', 'license: cc-by-nc-4.0'));
    const { out, warnings } = await run(card, ['runs/plain'], { dryRun: true, use: 'commercial' });
    writeFileSync(path, before);
    expect(frontOf(out).license).toBe('cc-by-nc-4.0');
    expect(warnings).toEqual(['web: the licence of its data, cc-by-nc-4.0, forbids commercial use']);
  });
});

describe('cards of models and tokenizers', () => {
  const trained = join(root, 'runs/train/decay');
  const checkpoint = join(trained, 'checkpoints/step-0000040');

  beforeAll(() => {
    mkdirSync(checkpoint, { recursive: true });
    writeFileSync(join(checkpoint, 'config.json'), '{}');
    const train = startRun(trained, {
      command: 'train',
      name: 'tiny-decay',
      config: {
        seed: 7,
        out: join(root, 'runs/train'),
        decay: { learning_rate: 3e-5, warmup_steps: 0, decay: 'cosine', min_lr_ratio: 0.1 },
      },
      parents: [join(root, 'runs/mix'), join(root, 'runs/train/stable/checkpoints/step-0000010')],
      evidence: [{ name: 'learning rate', value: 3e-5, evidence: 'summary', note: 'ablation' }],
    });
    for (let step = 1; step <= 40; step++)
      train.metrics.append({ step, loss: 5 - step / 20, learning_rate: 3e-5 });
    train.finish('done', { phase: 'decay', steps: 40, tokens: 5160, finalLoss: 3, parameters: 34976 });
    const grpo = startRun(join(root, 'runs/grpo'), {
      command: 'grpo',
      name: 'tiny-grpo',
      config: { model: checkpoint, template: 'simple', schedule: { learning_rate: 1e-6, decay: 'constant' } },
      parents: [checkpoint],
    });
    for (const [step, accuracy] of [
      [0, 0.2],
      [10, 0.6],
    ] as const)
      grpo.metrics.append({ step, eval_accuracy: accuracy, reward: accuracy });
    grpo.finish('done', { steps: 10, interval: [0.3, 0.5] });
  });

  test('a training run: data, schedule, loss, evidence', async () => {
    const { out } = await run(card, ['runs/train/decay'], {
      dryRun: true,
      baseModel: 'meta-llama/Llama-3.2-3B',
    });
    const front = frontOf(out);
    checkFront(front);
    expect(front).toMatchObject({
      license: 'unknown',
      library_name: 'transformers',
      base_model: 'meta-llama/Llama-3.2-3B',
    });
    expect(out).toContain('- **Learning rate**: cosine, 3e-5 to 3e-6, no warm-up');
    expect(out).toMatch(/\| small \| [\d,]+ \|/);
    expect(out).toMatch(/\| 40 \| 3 \|/);
    expect(out).toContain('| learning rate | 0.00003 | summary | ablation |');
    expect(out).not.toContain(root);
  });

  test('a checkpoint of it says which step', async () => {
    const { out } = await run(card, ['runs/train/decay/checkpoints/step-0000040'], { dryRun: true });
    expect(out).toContain('- **Checkpoint**: after step 40');
  });

  test('a GRPO run: accuracy before and after, and licences back to the first sources', async () => {
    const { out } = await run(card, ['runs/grpo'], { dryRun: true });
    checkFront(frontOf(out));
    expect(out).toContain(
      '- **Accuracy**: 20.0 % before, 60.0 % after (+30.0 to +50.0 points, 95 % interval)',
    );
    expect(out).toContain('- web: cc-by-4.0');
    expect(frontOf(out).license).toBe('unknown');
  });

  test('a tokenizer', async () => {
    const [train] = tokenizer.subcommands!;
    await run(train!, ['in.jsonl'], {
      vocabSize: 280,
      minFrequency: 2,
      preTokenizer: 'digits',
      alphabet: 'bytes',
      specialToken: ['<|end|>'],
      out: 'tok',
    });
    const { out } = await run(card, ['tok'], { license: 'apache-2.0' });
    expect(out).toBe(
      'tok/README.md: card of a tokenizer, licence apache-2.0 (named by whoever made this card)\n',
    );
    expect(read('tok/README.md')).toContain('- **Special tokens**: &lt;\\|end\\|&gt;');
  });

  test('a folder with none of these is refused', async () => {
    await expect(run(card, ['.'])).rejects.toThrow(/holds neither a run/);
    await expect(run(card, ['nowhere'])).rejects.toThrow(/no such folder/);
  });
});

describe('the text of a card', () => {
  test('tells a changed one from its own, and does not mind line ends at the end', () => {
    const text = cardText({ front: { license: 'mit', nothing: undefined }, body: '# X\n' });
    expect(text).not.toContain('nothing');
    expect(authorOf(text)).toBe('ours');
    expect(authorOf(text.replace('# X', '# Y'))).toBe('edited');
    expect(authorOf(`${text}more\n`)).toBe('edited');
    expect(authorOf('')).toBe('edited');
  });

  test('size categories change at their bounds', () => {
    expect([0, 999, 1000, 9999, 1e6, 1e12 - 1, 1e12].map(sizeCategory)).toEqual([
      'n<1K',
      'n<1K',
      '1K<n<10K',
      '1K<n<10K',
      '1M<n<10M',
      '100B<n<1T',
      'n>1T',
    ]);
  });
});
