/**
 * `midtrain design` under a real pseudo-terminal: every key reaches it, the screen follows, files hold what was designed, and nothing
 * unsaved is lost. Latency is measured and reported; the bound that is held is wide, because test machines are busy.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../mixtures/load.ts';
import { parseRecipe } from '../../mixtures/recipe.ts';
import { openMidtrain } from '../terminal/open-midtrain.ts';
import {
  closeTerminals,
  type Terminal,
  type TerminalOptions,
  terminalProblem,
} from '../terminal/terminal.ts';
import { manySources, scratch } from './design-scene.ts';

const folders: string[] = [];
afterEach(async () => {
  await closeTerminals();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Opened {
  terminal: Terminal;
  cwd: string;
}

/** Opens the designer in a folder of its own, with `files` in it, and waits for its first screen. */
async function design(
  args: string[],
  files: Record<string, string> = {},
  options: Omit<TerminalOptions, 'command' | 'args'> = {},
): Promise<Opened> {
  const cwd = scratch();
  folders.push(cwd);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  const terminal = await openMidtrain(['design', ...args], { cwd, ...options });
  await terminal.waitFor('q quit');
  return { terminal, cwd };
}

const hybrid = () => loadRecipe('decay-hybrid', '/nowhere').text;

describe.skipIf(terminalProblem !== undefined)('midtrain design', () => {
  test('shares move, lock, undo and are saved with every comment', async () => {
    const { terminal, cwd } = await design(['mine.yaml'], { 'mine.yaml': hybrid() });
    expect(terminal.alternateScreen).toBe(true);
    await terminal.press('down', 'right', 'right');
    await terminal.waitFor(/instruction .* 12\.0 /);
    await terminal.press('.');
    await terminal.waitFor(/unsaved.*instruction .* 12\.1 /s);
    await terminal.press('u');
    await terminal.waitFor(/instruction .* 10\.0 /);
    await terminal.press('ctrl+r');
    await terminal.waitFor(/instruction .* 12\.1 /);
    terminal.type('12');
    await terminal.press('enter');
    await terminal.waitFor(/instruction .* 12\.0 /);
    await terminal.press('l');
    await terminal.waitFor(/instruction .* 12\.0 lock/);
    terminal.type('5');
    await terminal.waitFor('instruction is locked');
    await terminal.press('up');
    terminal.type('8.5');
    await terminal.waitFor('share of dclm-baseline, %: 8.5');
    await terminal.press('enter');
    await terminal.waitFor(/dclm-baseline .* 8\.5 /);
    await terminal.press('end', 'space');
    await terminal.waitFor(/numinamath-1\.5 .* off/);
    terminal.type('b20Q');
    await terminal.press('enter');
    await terminal.waitFor('"20Q" is not a count of tokens');
    await terminal.press('backspace');
    terminal.type('M');
    await terminal.press('enter');
    await terminal.waitFor('budget 20M tokens');
    terminal.type('w');
    await terminal.waitFor('saved mine.yaml');
    const text = readFileSync(join(cwd, 'mine.yaml'), 'utf8');
    const recipe = parseRecipe(text, 'mine.yaml');
    expect(
      Object.fromEntries(Object.entries(recipe.sources).map(([name, s]) => [name, s.weight!.value])),
    ).toEqual({
      'dclm-baseline': 0.085,
      instruction: 0.12,
      'megamath-web-pro': 0.595,
      'openr1-math-220k': 0.1,
      'openmathinstruct-2': 0.1,
      'numinamath-1.5': 0,
    });
    expect(recipe.budget).toMatchObject({ value: 20e6, evidence: 'own', note: 'recipe: 20B (confirmed)' });
    const comments = (yaml: string): string[] => yaml.match(/#.*$/gm) ?? [];
    expect(comments(text)).toEqual(comments(hybrid()));
    expect(text).toContain("note: 'switched off at 0.1; recipe: 0.1 (recalled)'");
    terminal.type('q');
    expect((await terminal.ended).code).toBe(0);
    expect(readdirSync(cwd)).toEqual(['mine.yaml']);
  }, 60_000);

  test('nothing unsaved is lost without a question, and Ctrl-C twice keeps a recovery file', async () => {
    const { terminal, cwd } = await design(['decay-long']);
    await terminal.press('right');
    await terminal.waitFor('unsaved');
    terminal.type('q');
    await terminal.waitFor('this mixture is not saved');
    await terminal.press('esc');
    await terminal.waitFor('±1 %');
    terminal.type('w');
    await terminal.waitFor('save as: ./mixture.yaml');
    await terminal.press('esc');
    await terminal.waitFor('±1 %');
    await terminal.press('ctrl+c');
    await terminal.waitFor('Ctrl-C again leaves');
    await terminal.press('ctrl+c');
    expect((await terminal.ended).code).toBe(130);
    expect(terminal.alternateScreen).toBe(false);
    expect(terminal.text()).toContain('mixture.recovered.yaml');
    const kept = parseRecipe(readFileSync(join(cwd, 'mixture.recovered.yaml'), 'utf8'), 'kept');
    expect(kept.sources['dclm-baseline']!.weight!.value).toBe(0.06);
  }, 60_000);

  test('a window that is closed leaves a recovery file', async () => {
    const { terminal, cwd } = await design(['decay-long']);
    await terminal.press('right');
    await terminal.waitFor('unsaved');
    terminal.kill('SIGHUP');
    await terminal.ended;
    expect(readdirSync(cwd)).toEqual(['mixture.recovered.yaml']);
  }, 60_000);

  test('a file that something else changed, and one that is there, are not overwritten unasked', async () => {
    const { terminal, cwd } = await design(['mine.yaml'], {
      'mine.yaml': hybrid(),
      'other.yaml': 'precious: 1\n',
    });
    writeFileSync(join(cwd, 'mine.yaml'), `${hybrid()}# changed meanwhile\n`);
    await terminal.press('right');
    terminal.type('w');
    await terminal.waitFor('was changed by something else');
    await terminal.press('esc');
    await terminal.waitFor('±1 %');
    expect(readFileSync(join(cwd, 'mine.yaml'), 'utf8')).toContain('changed meanwhile');
    terminal.type('S');
    await terminal.waitFor('save as:');
    await terminal.press('ctrl+u');
    terminal.type('other');
    await terminal.press('enter');
    await terminal.waitFor('exists already');
    expect(readFileSync(join(cwd, 'other.yaml'), 'utf8')).toBe('precious: 1\n');
    terminal.type('s');
    await terminal.waitFor('save as:');
    await terminal.press('ctrl+u');
    terminal.type('new.yml');
    await terminal.press('enter');
    await terminal.waitFor('saved new.yml');
    expect(existsSync(join(cwd, 'new.yml'))).toBe(true);
    terminal.type('q');
    expect((await terminal.ended).code).toBe(0);
  }, 60_000);

  test('it follows the size of the window, and says everything without colour', async () => {
    const { terminal } = await design(['stable'], {}, { env: { NO_COLOR: '1' } });
    const whole = (): boolean => terminal.screen().every((line) => [...line].length <= terminal.columns);
    for (const [columns, rows, shows] of [
      [120, 40, 'tokens by role'],
      [160, 50, 'shares against the paper'],
      [60, 20, 'q quit'],
      [80, 24, 'k tokenizer'],
    ] as const) {
      terminal.resize(columns, rows);
      await terminal.waitFor(
        (lines) =>
          lines.join('\n').includes(shows) &&
          lines.some((l) => l.includes('megamath-qa')) &&
          lines[0]!.includes('unchanged'),
      );
      await terminal.press('down', 'up');
      await terminal.quiet(30);
      expect(whole()).toBe(true);
      expect(terminal.screen()[0]).toMatch(/^ midtrain design +stable/);
    }
    for (const cell of terminal.cells().flat())
      expect([cell.foreground, cell.background]).toEqual([undefined, undefined]);
    expect(terminal.text()).toMatch(/QA +5\.0 %.*!<30–40 %/);
  }, 60_000);

  test('with forty sources a key is answered within 50 ms, the screen is never blank and little is written', async () => {
    const { terminal } = await design(['many.yaml'], { 'many.yaml': manySources(40) });
    // The first presses warm up the compiler.
    for (let i = 0; i < 10; i++) await terminal.latency(i % 2 === 0 ? 'right' : 'down');
    const bytes = terminal.bytesWritten;
    const times: number[] = [];
    for (let i = 0; i < 40; i++)
      times.push(await terminal.latency(['right', 'down', 'left', '.', 'l', 'l', 'pagedown', 'up'][i % 8]!));
    const written = (terminal.bytesWritten - bytes) / times.length;
    times.sort((a, b) => a - b);
    const [median, p95] = [times[20]!, times[38]!];
    console.log(
      `40 sources: a key is answered in ${median.toFixed(1)} ms (median), ${p95.toFixed(1)} ms (95 %), ${Math.round(written)} bytes`,
    );
    expect(terminal.blankFrames).toBe(0);
    expect(written).toBeLessThan(4000);
    // 50 ms is the aim on a free machine; other work on this one must not fail the test.
    expect(median).toBeLessThan(150);
  }, 60_000);

  test('help, comparison, warnings, export and pasted text', async () => {
    const { terminal, cwd } = await design(['decay-hybrid'], {}, { columns: 100, rows: 30 });
    terminal.type('?');
    await terminal.waitFor('who gives way');
    await terminal.press('esc');
    await terminal.waitFor('±1 %');
    terminal.type('c');
    await terminal.waitFor('compare with');
    await terminal.press('end', 'enter');
    await terminal.waitFor('decay-hybrid and stable');
    expect(terminal.text()).toMatch(/dclm-baseline .* 5\.00 % .* 10\.00 % .*\+5\.00/);
    await terminal.press('esc');
    await terminal.waitFor('±1 %');
    terminal.paste('q\r\nd\r\n');
    await terminal.waitFor('pasted text was not taken');
    await terminal.press('right');
    terminal.type('x');
    await terminal.waitFor('write plan and command line to');
    await terminal.press('enter');
    await terminal.waitFor('wrote ');
    const exported = JSON.parse(readFileSync(join(cwd, 'decay-hybrid-plan.json'), 'utf8'));
    expect(exported.command).toBe('midtrain mix decay-hybrid --set dclm-baseline=0.06');
    expect(exported.plan.sources[0].requestedShare).toBe(0.06);
    expect(exported.estimate.steps).toBe(4768);
  }, 60_000);

  test('documents of a source are shown, and mix starts with what was designed', async () => {
    const { terminal, cwd } = await design([], {}, { columns: 100, rows: 30 });
    await terminal.waitFor((lines) => !lines[0]!.includes('counting'));
    terminal.type('v');
    await terminal.waitFor(/documents of notes +1 of \d+/);
    await terminal.press('right');
    await terminal.waitFor(/documents of notes +2 of \d+/);
    await terminal.press('esc');
    await terminal.waitFor('±1 %');
    await terminal.press('down');
    terminal.type('30');
    await terminal.press('enter');
    await terminal.waitFor(/arithmetic-qa .* 30\.0 /);
    terminal.type('m');
    await terminal.waitFor('must be saved first');
    terminal.type('s');
    await terminal.waitFor('save as: ./mixture.yaml');
    await terminal.press('enter');
    await terminal.waitFor('mix into folder: runs/demo-mix');
    await terminal.press('enter');
    expect((await terminal.ended).code).toBe(0);
    expect(terminal.alternateScreen).toBe(false);
    const manifest = JSON.parse(readFileSync(join(cwd, 'runs/demo-mix/manifest.json'), 'utf8'));
    const qa = manifest.sources.find((s: { name: string }) => s.name === 'arithmetic-qa');
    expect(qa.requestedShare).toBe(0.3);
    expect(Math.abs(qa.achievedShare - 0.3)).toBeLessThan(0.01);
  }, 60_000);
});
