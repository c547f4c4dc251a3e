/** Sources on the Hub, against a fake one: listed once, files fetched only as needed, the commit kept, and the error without --download. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadRecipe } from '../../mixtures/load.ts';
import { mix } from '../../src/stages/mix.ts';
import type { MixRequest } from '../../src/stages/mix-request.ts';
import { planMix } from '../../src/stages/prepare-mix.ts';
import { type FakeHub, fakeHub } from '../io/fake-hub.ts';
import { scratchFolder } from '../io/scratch.ts';

const folder = scratchFolder();
let hub: FakeHub | undefined;
const before = { ...process.env };

afterEach(async () => {
  await hub?.close();
  hub = undefined;
  process.env = { ...before };
});

const lines = (part: number, n: number): string =>
  Array.from({ length: n }, (_, i) =>
    JSON.stringify({ id: `p${part}-${i}`, text: `page ${part} line ${i} ${'of some words '.repeat(5)}` }),
  ).join('\n');

const parts = 8;
const files: Record<string, string> = { 'README.md': '# data', 'data/test-00000.jsonl': lines(99, 5) };
for (let part = 0; part < parts; part++) files[`data/train-0000${part}.jsonl`] = lines(part, 60);

async function start(): Promise<FakeHub> {
  hub = await fakeHub(files, Object.keys(files).slice(3));
  process.env.HF_ENDPOINT = hub.endpoint;
  process.env.HF_HUB_CACHE = join(folder, `hub-cache-${readdirSync(folder).length}`);
  return hub;
}

const recipe = (source: string, budget = 'budget: 6k'): string =>
  `name: remote\ntokenizer: { train: { } }\n${budget}\nsequenceLength: 63\nheldout: 0.05\nsources:\n  web: { role: web, weight: 1, ${source} }\n`;

function request(output: string, text: string, more: Partial<MixRequest> = {}): MixRequest {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${output}.yaml`), text);
  return {
    loaded: loadRecipe(`${output}.yaml`, folder),
    cwd: folder,
    output: join(folder, output),
    download: true,
    ...more,
  };
}

const fetched = (of: FakeHub): string[] => [
  ...new Set(
    of.log.flatMap(
      ({ path }) => /(data\/[\w.-]+|data%2F[\w.-]+)$/.exec(path)?.[1]?.replace('%2F', '/') ?? [],
    ),
  ),
];
const lists = (of: FakeHub): number => of.log.filter(({ path }) => path.includes('/revision/')).length;
/** A tokenizer of its own keeps training from reading the source. */
const tokenizerOf = (output: string): string => join(folder, output, 'tokenizer');

test('only the files that the budget needs are fetched, and a kept commit needs no second list', async () => {
  const remote = await start();
  const data = 'data: "hf://datasets/owner/name@v1.0/data/train-*.jsonl"';
  // The trained tokenizer reads all; the mixture after it only what it needs.
  await mix(request('all', recipe(data)));
  expect(fetched(remote).length).toBe(parts);
  expect(lists(remote)).toBe(1);

  process.env.HF_HUB_CACHE = join(folder, 'second-cache');
  remote.log.length = 0;
  const some = request('some', recipe(data), { tokenizer: tokenizerOf('all') });
  const { manifest } = await mix(some);
  const needed = fetched(remote);
  expect(needed.length).toBeGreaterThan(0);
  expect(needed.length).toBeLessThan(parts - 2);
  expect(needed.every((path) => path.startsWith('data/train-'))).toBe(true);
  expect(lists(remote)).toBe(1);
  expect(manifest.sources[0]!.inputs.map(({ name }) => `data/${name}`).sort()).toEqual(needed.sort());
  expect(manifest.sources[0]!.achievedTokens).toBe(manifest.sources[0]!.sequences * 64);

  // Again without a network: commit and files are kept, and the shards are the same.
  const bytes = readFileSync(join(folder, 'some/shards/00000.ds'));
  rmSync(join(folder, 'some/manifest.json'));
  remote.log.length = 0;
  await mix(some);
  expect(remote.log).toEqual([]);
  expect(readFileSync(join(folder, 'some/shards/00000.ds')).equals(bytes)).toBe(true);
});

test('a card with a Hub address and a split, in a dry run and for real', async () => {
  const remote = await start();
  writeFileSync(
    join(folder, 'remote-card.md'),
    `---\nlicense: mit\npretty_name: Remote\nmidtrain:\n  role: web\n  data: { hub: owner/name, split: train, revision: v1.0 }\n  columns: { text: text }\n  template: text\n  contamination: none known\n---\n# Remote\n`,
  );
  const text = recipe('card: ./remote-card.md');
  await mix(request('warm', text));
  remote.log.length = 0;
  const asked = request('card', text, { tokenizer: tokenizerOf('warm') });
  const { plan } = await planMix(asked);
  expect(existsSync(join(folder, 'card'))).toBe(false);
  const { manifest } = await mix(asked);
  expect(manifest.sources[0]!.availableTokens).toBe(plan.sources[0]!.available.tokens);
  expect(plan.sources[0]!.available.readShare).toBeLessThan(0.9);
  expect(fetched(remote).every((path) => path.startsWith('data/train-'))).toBe(true);

  const { download: _, ...without } = asked;
  await expect(mix({ ...without, output: join(folder, 'no') })).rejects.toMatchObject({
    message: expect.stringContaining('owner/name') as string,
    hint: expect.stringContaining('--download') as string,
  });
});

test('a file that cannot be had ends the work, what is done is kept, and the next run makes the same mixture', async () => {
  const remote = await start();
  const data = 'data: "hf://datasets/owner/name/data/train-*.jsonl"';
  const good = await mix(request('good', recipe(data, '')));
  process.env.HF_HUB_CACHE = join(folder, 'third-cache');
  remote.fault = (incoming, response) => {
    if (!incoming.url!.includes('train-00003')) return false;
    response.writeHead(404).end();
    return true;
  };
  const again = request('bad', recipe(data, ''), { tokenizer: tokenizerOf('good') });
  await expect(mix(again)).rejects.toThrow(/train-00003\.jsonl.*404/);
  expect(existsSync(join(again.output, 'manifest.json'))).toBe(false);
  remote.fault = () => false;
  const { failures, manifest } = await mix(again);
  expect(failures).toEqual([]);
  expect(manifest.sources[0]!.ledger).toEqual(good.manifest.sources[0]!.ledger);
  // The one was made with the other's tokenizer, whose name stands in the metadata.
  const tokens = ({ files }: typeof manifest) => files.filter(({ path }) => path.endsWith('.ds'));
  expect(tokens(manifest)).toEqual(tokens(good.manifest));
});
