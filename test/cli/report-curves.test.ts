/**
 * `midtrain report` on the paper's released curves: recipe 5.4 digit by digit for every run that is there, and the paper's figures on the page. The table
 * typed in (test/fixtures/recipe-5.4.json) holds all twelve rows whose runs are released; the two runs of the length schedule have no row.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { command } from '../../src/cli/report.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';
import { findBrowser, openAll } from '../report/chromium.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');
const recipe = JSON.parse(readFileSync(join(fixtures, 'recipe-5.4.json'), 'utf8')) as {
  columns: string[];
  runs: Record<string, string[]>;
  lastSteps: Record<string, number>;
  presentWithoutRow: string[];
};

interface End {
  mean: number;
  of: number;
  to: number;
  max: number;
  maxStep: number;
}

interface Result {
  benchmarks: { run: string; group: string; set: string; accuracy: End; length: End; lengthOf: string }[];
  runs: { label: string }[];
  failures: string[];
  missing: string[];
}

describeWith('octothinker-curves', "a report on the paper's curves", () => {
  let folder: string;
  let result: Result;
  let page: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'curves-'));
    let output = '';
    const context = {
      emit: () => {},
      signal: new AbortController().signal,
      write: (text: string) => void (output += text),
      json: true,
      cwd: folder,
    };
    const options = { out: 'report.html', markdown: true, names: join(fixtures, 'octothinker-names.yaml') };
    expect(await command.run(context, [join(sharedData, 'octothinker-curves')], options)).toBe(0);
    result = JSON.parse(output) as Result;
    page = readFileSync(join(folder, 'report.html'), 'utf8');
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const of = (run: string, set: string) =>
    result.benchmarks.find((row) => row.run === run && row.set.toLowerCase() === set.toLowerCase())!;
  const percent = (share: number): string => (100 * share).toFixed(1);

  it('has a row of recipe 5.4 for every run but the two of the length schedule', () => {
    const names = result.runs.map(({ label }) => label);
    expect([...names].sort()).toEqual([...Object.keys(recipe.runs), ...recipe.presentWithoutRow].sort());
    expect(result.failures).toEqual([]);
  });

  it.each(Object.entries(recipe.runs))('%s is as printed', (run, cells) => {
    for (const [i, set] of recipe.columns.slice(0, 4).entries()) {
      const [, mean, max, step] = /^([\d.]+)(?: \(([\d.]+)(?:@(\d+))?\))?$/.exec(cells[i]!)!;
      const { accuracy } = of(run, set);
      expect(percent(accuracy.mean), `${set}, mean`).toBe(mean);
      expect(accuracy.of).toBe(5);
      if (max !== undefined) expect(percent(accuracy.max), `${set}, maximum`).toBe(max);
      if (step !== undefined) expect(accuracy.maxStep, `${set}, step`).toBe(Number(step));
    }
    const { length, lengthOf } = of(run, 'MATH500');
    expect(lengthOf).toBe('correct');
    expect(Math.round(length.mean).toLocaleString('en-US')).toBe(cells[4]);
    if (run in recipe.lastSteps) expect(of(run, 'MATH500').accuracy.to).toBe(recipe.lastSteps[run]);
  });

  it('shows the same figures on the page and in Markdown', () => {
    const markdown = readFileSync(join(folder, 'report.md'), 'utf8');
    const words = (parseHTML(page).document.querySelector('#benchmarks')!.textContent ?? '').replace(
      /\s+/g,
      ' ',
    );
    for (const cells of Object.values(recipe.runs))
      for (const cell of cells.filter((text) => text.includes('@'))) {
        expect(words).toContain(cell);
        expect(markdown).toContain(`| ${cell} |`);
      }
  });

  it("draws the paper's figures: accuracy and length of every set, by group, within 5 MB", () => {
    const { document } = parseHTML(page);
    const titles = [...document.querySelectorAll('#benchmarks figure h4')].map((h) => h.textContent);
    const groups = [
      'Base models',
      'Web corpus',
      'Length schedule',
      'QA share in the decay phase',
      'Branches',
    ];
    for (const group of groups)
      for (const set of ['MATH500', 'GSM8k', 'OlympiadBench', 'AMC23'])
        for (const what of ['accuracy', 'response length'])
          expect(titles).toContain(`${group}: ${set}, ${what}`);
    expect(titles).toHaveLength(40);
    expect(document.querySelectorAll('#benchmarks figure svg[role="img"]')).toHaveLength(40);
    // Charts of one set have one scale, so that families can be compared by eye.
    const ticks = (title: string): string[] =>
      [...document.querySelectorAll('#benchmarks figure')]
        .find((figure) => figure.querySelector('h4')!.textContent === title)!
        .querySelector('g[aria-label="y-axis tick label"]')!
        .textContent!.match(/\d+ %/g)!;
    expect(ticks('Base models: MATH500, accuracy')).toEqual(ticks('Branches: MATH500, accuracy'));
    expect(page.length).toBeLessThan(5e6);
  });

  it('says what the curves do not hold', () => {
    expect(result.missing.join(' ')).toContain('The logs do not hold: reward, share of truncated responses');
  });

  it('opens in Chromium without a message or a request', async (context) => {
    const browser = findBrowser();
    if (browser === undefined) return context.skip('no Chromium or Chrome on this machine (set CHROME_PATH)');
    const [opened] = await openAll(browser, [join(folder, 'report.html')]);
    expect(opened!.messages).toEqual([]);
    expect(opened!.requests.filter((url) => url !== 'data:,')).toEqual([]);
    expect(opened!.text).toContain('65.1 (67.6@248)');
  }, 60_000);
});
