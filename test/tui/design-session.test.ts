/** What the designer writes and prints: saving, recovery, exports, and the command without a terminal. */
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { act } from '../../mixtures/design/actions.ts';
import { loadRecipe, recipesFolder } from '../../mixtures/load.ts';
import { parseRecipe } from '../../mixtures/recipe.ts';
import type { CommandContext } from '../../src/cli/command.ts';
import { command } from '../../src/cli/design.ts';
import { DesignSession } from '../../src/tui/design-session.ts';
import { ScreenWriter } from '../../src/tui/screen-writer.ts';
import { modelShapes } from '../../trainer/model/model-shapes.ts';
import { manySources, scratch, sessionOf, uiOf } from './design-scene.ts';

const moved = (session: DesignSession) =>
  act(session.opened, { kind: 'share', source: session.opened.sources[1]!.name, share: 2e8 }).design;

describe('saving', () => {
  test('a built-in recipe is written elsewhere only', async () => {
    const session = sessionOf({ name: 'decay-long' });
    const before = loadRecipe('decay-long', session.cwd).text;
    await expect(
      session.save(moved(session), join(recipesFolder(), 'decay-long.yaml'), true),
    ).rejects.toThrow('built-in');
    expect(loadRecipe('decay-long', session.cwd).text).toBe(before);
    expect(await session.save(moved(session), './mixture', false)).toMatchObject({ kind: 'saved' });
    expect(session.ownFile).toBe(join(session.cwd, 'mixture.yaml'));
    expect(parseRecipe(readFileSync(session.ownFile!, 'utf8'), 'x').sources.instruction!.weight!.value).toBe(
      0.2,
    );
    // From here on it has a file of its own.
    expect(await session.save(session.opened, undefined, false)).toMatchObject({ kind: 'saved' });
    const short = (yaml: string): string => yaml.replaceAll('0.10,', '0.1,');
    expect(short(readFileSync(session.ownFile!, 'utf8'))).toBe(short(before));
  });

  test('a file that was changed or belongs to something else is asked about, a folder refused, a link kept', async () => {
    const session = sessionOf({ text: manySources(3) });
    const file = session.ownFile!;
    writeFileSync(file, `${manySources(3)}\n`);
    expect(await session.save(moved(session), undefined, false)).toEqual({ kind: 'changed', path: file });
    expect(await session.save(moved(session), undefined, true)).toMatchObject({ kind: 'saved' });
    writeFileSync(join(session.cwd, 'there.yaml'), 'x');
    expect(await session.save(moved(session), 'there.yaml', false)).toMatchObject({ kind: 'exists' });
    mkdirSync(join(session.cwd, 'folder.yaml'));
    await expect(session.save(moved(session), 'folder.yaml', true)).rejects.toThrow('is a folder');
    symlinkSync(file, join(session.cwd, 'link.yaml'));
    await session.save(session.opened, 'link.yaml', true);
    expect(lstatSync(join(session.cwd, 'link.yaml')).isSymbolicLink()).toBe(true);
    expect(parseRecipe(readFileSync(file, 'utf8'), 'x').name).toBe('many');
  });

  test('in another folder the sources are still found', async () => {
    const session = sessionOf({ text: manySources(3) });
    await session.save(moved(session), 'sub/folder/new.yaml', false);
    const { recipe, folder } = loadRecipe('sub/folder/new.yaml', session.cwd);
    expect(join(folder, recipe.sources['source-00']!.data as string)).toBe(join(session.cwd, 'absent-0'));
  });

  test('a recovery file never replaces another', () => {
    const session = sessionOf({ text: manySources(3) });
    const [first, second] = [session.recover(moved(session)), session.recover(moved(session))];
    expect([first, second].map((path) => path.slice(session.cwd.length + 1))).toEqual([
      'recipe.recovered.yaml',
      'recipe.recovered-2.yaml',
    ]);
    expect(parseRecipe(readFileSync(first, 'utf8'), 'x').sources['source-01']!.weight!.value).toBe(0.2);
  });

  test('an export replaces exports only', async () => {
    const session = sessionOf({ name: 'stable' });
    const { model, speed } = uiOf(session);
    const content = session.exported(moved(session), session.cardSizes, model, speed);
    await session.export(content, 'plan.json');
    await session.export(content, 'plan.json');
    writeFileSync(join(session.cwd, 'package.json'), '{"name":"mine"}');
    await expect(session.export(content, 'package.json')).rejects.toThrow('no exported plan');
    expect(existsSync(join(session.cwd, 'plan.json'))).toBe(true);
  });
});

test('the model is that of the recipe', () => {
  expect(sessionOf({ name: 'stable' }).defaultModel()).toBe('Llama-3.2-3B');
  expect(sessionOf({ name: 'demo' }).defaultModel()).toBe('Llama-3.2-1B');
});

describe('without a terminal', () => {
  async function run(args: string[], options: Record<string, unknown>) {
    let out = '';
    const context: CommandContext = {
      emit: () => {},
      signal: new AbortController().signal,
      write: (text) => {
        out += text;
      },
      json: options.json === true,
      cwd: scratch(),
    };
    return { code: await command.run(context, args, options), out };
  }

  test('it prints the plan, what follows, and the command', async () => {
    const { code, out } = await run(['stable'], { dryRun: true, tflops: 990, model: 'Llama-3.2-1B' });
    expect(code).toBe(0);
    expect(out).toContain('47,678 steps of 4,194,304 tokens');
    expect(out).toMatch(/training time of Llama-3\.2-1B: \d+ days at 990 TFLOP\/s/);
    expect(out).toContain('command: midtrain mix stable\n');
    const json = JSON.parse((await run(['decay-short'], { json: true })).out);
    expect(json.plan.shares.qa).toBeCloseTo(0.3);
    expect(json.estimate.seconds).toBeUndefined();
  });

  test('a mixture that cannot be made ends with 1, a missing terminal and wrong flags say what to do', async () => {
    await expect(run(['stable'], {})).rejects.toMatchObject({ hint: expect.stringContaining('--json') });
    await expect(run(['stable'], { json: true, model: 'GPT-2' })).rejects.toMatchObject({
      hint: expect.stringContaining('Llama-3.2-1B'),
    });
    await expect(run(['stable'], { json: true, tokenizer: './nowhere' })).rejects.toThrow(
      '--tokenizer ./nowhere',
    );
    await expect(run(['stabel'], { json: true })).rejects.toThrow('stable');
  });
});

test('only changed lines are written, a new size writes all of them', () => {
  let written = '';
  const write = (text: string): boolean => {
    written = text;
    return true;
  };
  const writer = new ScreenWriter({ write } as never);
  const lines = (...texts: string[]) => texts.map((text) => ({ text, width: text.length }));
  writer.draw(lines('aaaa', 'bb', 'cc'), 4, 5);
  expect(written).toBe(
    '\x1b[?2026h\x1b[2J\x1b[1;1Haaaa\x1b[2;1Hbb\x1b[K\x1b[3;1Hcc\x1b[K\x1b[5;1H\x1b[?2026l',
  );
  writer.draw(lines('aaaa', 'b', 'cc'), 4, 5);
  expect(written).toBe('\x1b[?2026h\x1b[2;1Hb\x1b[K\x1b[5;1H\x1b[?2026l');
  written = '';
  writer.draw(lines('aaaa', 'b', 'cc'), 4, 5);
  expect(written).toBe('');
  writer.draw(lines('aaaa', 'b', 'cc'), 5, 5);
  expect(written).toContain('\x1b[2J');
});

test('the session of a recipe with weights that do not come to one says so', () => {
  const text = manySources(2).replace('value: 0.5,', 'value: 0.4,');
  const cwd = scratch();
  writeFileSync(join(cwd, 'r.yaml'), text);
  const session = new DesignSession({ cwd, loaded: loadRecipe('r.yaml', cwd), models: modelShapes });
  expect(session.scaledFrom).toBeCloseTo(0.9);
});
