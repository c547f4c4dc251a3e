/** Which folders a mixture may be written into, and that a refusal takes nothing away. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../mixtures/load.ts';
import { mix } from '../../src/stages/mix.ts';
import { assertMixOutput } from '../../src/stages/mix-output.ts';

const root = mkdtempSync(join(tmpdir(), 'mix-output-'));
const done = join(root, 'done');

function request(output: string, template = 'text', budget = 400) {
  const recipe = join(root, `${template}.yaml`);
  const slots = template === 'text' ? 'text: note' : 'question: title, answer: note';
  writeFileSync(
    recipe,
    `name: small\ntokenizer: { train: {} }\nbudget: ${budget}\nsequenceLength: 15\nfill: notes\nsources:\n` +
      `  notes: { data: notes.jsonl, role: web, template: ${template}, columns: { ${slots} } }\n`,
  );
  return { loaded: loadRecipe(recipe, root), cwd: root, output };
}

beforeAll(async () => {
  const lines = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ title: `t${i}`, note: `note number ${i}` }),
  );
  writeFileSync(join(root, 'notes.jsonl'), `${lines.join('\n')}\n`);
  await mix(request(done));
});
afterAll(() => rmSync(root, { recursive: true }));

describe('what may be replaced', () => {
  test('a new folder, an empty one, one of a mixture, and one whose record was lost', () => {
    const empty = join(root, 'empty');
    mkdirSync(empty);
    for (const folder of [join(root, 'new/one'), empty, done])
      expect(() => assertMixOutput(folder)).not.toThrow();
    const lost = join(root, 'lost');
    cpSync(done, lost, { recursive: true });
    rmSync(join(lost, 'run.json'));
    expect(() => assertMixOutput(lost)).not.toThrow();
    rmSync(join(lost, 'manifest.json'));
    expect(() => assertMixOutput(lost)).not.toThrow();
  });

  test('not a file, nor a folder below one', () => {
    const file = join(root, 'file');
    writeFileSync(file, 'mine');
    expect(() => assertMixOutput(file)).toThrow(/is a file, not a folder/);
    expect(() => assertMixOutput(join(file, 'below/it'))).toThrow(`${file} is a file`);
  });

  test('not the run of another command, and its record stays', async () => {
    const folder = join(root, 'filter');
    mkdirSync(folder);
    writeFileSync(join(folder, 'run.json'), '{"command":"filter"}');
    await expect(mix({ ...request(folder), overwrite: true })).rejects.toThrow(
      /run of another command \(filter\)/,
    );
    expect(readFileSync(join(folder, 'run.json'), 'utf8')).toBe('{"command":"filter"}');
    expect(readdirSync(folder)).toEqual(['run.json']);
  });

  test('not shards that nobody here wrote', async () => {
    const folder = join(root, 'foreign');
    mkdirSync(join(folder, 'shards'), { recursive: true });
    writeFileSync(join(folder, 'shards/mine.ds'), 'mine');
    await expect(mix(request(folder))).rejects.toThrow(/holds shards and no run\.json/);
    expect(readdirSync(join(folder, 'shards'))).toEqual(['mine.ds']);
  });
});

describe('a refusal over another mixture', () => {
  const caches = () => readdirSync(join(done, 'cache')).filter((name) => name.endsWith('.tokens'));

  test('that the recipe alone shows comes before anything is read', async () => {
    const tasks: string[] = [];
    const other = { ...request(done), options: { seed: 3 } };
    const run = mix({ ...other, emit: (event) => event.kind === 'start' && tasks.push(event.task) });
    await expect(run).rejects.toThrow(/already holds another mixture/);
    expect(tasks).toEqual([]);
  });

  test('leaves its token cache, and --overwrite takes that away', async () => {
    const [before] = caches();
    const other = request(done, 'question-answer');
    await expect(mix(other)).rejects.toThrow(/already holds another mixture/);
    expect(caches()).toContain(before);
    expect(existsSync(join(done, 'manifest.json'))).toBe(true);
    await mix({ ...other, overwrite: true });
    expect(caches()).toHaveLength(1);
    expect(caches()).not.toContain(before);
  });
});
