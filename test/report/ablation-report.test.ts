/** The report of an ablation: what it says, draws and leaves unsaid, that it stays small and readable for a large grid, and that hostile texts stay text. */
import { parseHTML } from 'linkedom';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AblationInput } from '../../src/report/ablation-data.ts';
import { renderAblation } from '../../src/report/ablation-report.ts';
import { ablationInput, eightArms, fourArms, qaArms } from './ablation-fixture.ts';
import { dangers, payload } from './dangers.ts';

const parse = (page: string): Document => parseHTML(page).document as unknown as Document;
const words = (node: { textContent: string | null } | null): string =>
  (node?.textContent ?? '').replace(/\s+/g, ' ');
const figureOf = (document: Document, title: string): Element =>
  [...document.querySelectorAll('figure')].find((f) => f.querySelector('h4')?.textContent === title)!;
const strokes = (figure: Element): Set<string> =>
  new Set([...figure.querySelectorAll('g[aria-label="line"]')].map((g) => g.getAttribute('stroke')!));

describe('a report of four arms and three seeds', () => {
  const input = ablationInput();
  const { html, markdown } = renderAblation(input);
  const document = parse(html);
  const text = words(document.body);

  it('opens with the question, the answer, what the paper found, and what to be warned of', () => {
    expect(words(document.querySelector('header .sentence'))).toBe(input.question);
    expect(document.querySelectorAll('#answer .answer p')).toHaveLength(3);
    expect(words(document.querySelector('#answer .paper'))).toContain(input.paper!);
    expect(words(document.querySelector('#answer .notes'))).toContain(
      '1 of 12 cells failed: strict-no-qa seed 3.',
    );
    expect(words(document.querySelector('#answer .notes'))).toContain('paired t with 2 degrees of freedom');
    expect(words(document.querySelector('#answer .arms'))).toContain(
      'filter.pipeline.thresholds.math.score.min',
    );
  });

  it('draws every seed of the primary measure, by arm and as differences, no interval below three seeds', () => {
    const strip = figureOf(document, 'RL accuracy, by arm').querySelector('.wide')!;
    expect(strip.querySelectorAll('g[aria-label="dot"] circle')).toHaveLength(11);
    expect(strip.querySelectorAll('g[aria-label="tick"] line')).toHaveLength(4);
    const seeds = figureOf(document, 'Difference in RL accuracy, by seed').querySelector('.wide')!;
    const [, points] = [...seeds.querySelectorAll('g[aria-label="dot"]')];
    expect(points!.querySelectorAll('circle')).toHaveLength(3 + 3 + 2);
    // The line at none, and two intervals for each of the two pairs with three seeds.
    expect(seeds.querySelectorAll('g[aria-label="rule"] line')).toHaveLength(1 + 2 * 2);
  });

  it('makes no claim without its interval, and none on secondary measures', () => {
    const claims = [...document.querySelectorAll('.claims > li')].map(words);
    expect(claims).toHaveLength(3);
    for (const claim of claims) expect(claim).toMatch(/95 % interval|too few to say/);
    for (const sentence of text.split(/(?<=\.) /))
      if (/ is (?:higher|lower) with /.test(sentence)) expect(sentence).toContain('95 % interval');
  });

  it('gives the mean and every seed of every measure, a dash for what is missing, and says why', () => {
    const row = [...document.querySelectorAll('#results .across tr')].find((r) =>
      words(r).startsWith('few-shot'),
    )!;
    const cells = [...row.querySelectorAll('td')].map(words);
    expect(cells).toHaveLength(4);
    expect(cells[1]).toMatch(/ of 2 seeds.* · – · /);
    expect(words(document.querySelector('#missing'))).toContain(
      'few-shot accuracy before RL: the evaluation few-shot of base was not run (middle seed 2).',
    );
    expect(words(document.querySelector('#missing'))).toContain(
      'the loss was not a finite number at step 17',
    );
  });

  it('leads from threshold to tokens to base score to RL score in one table', () => {
    const table = document.querySelector('#outcome table')!;
    expect([...table.querySelectorAll('thead th')].map(words)).toEqual([
      'Arm',
      'Differs in',
      'math.score at least',
      'Tokens kept',
      'Decay tokens (QA)',
      'accuracy before RL',
      'few-shot accuracy before RL',
      'RL accuracy',
    ]);
    expect([...table.querySelectorAll('tbody tr')].map((r) => words(r.querySelectorAll('td')[1]!))).toEqual([
      '0.1',
      '0.3',
      '0.6',
      '0.6',
    ]);
    expect(words(document.querySelector('#outcome'))).toContain(
      'The same in all arms: Stable tokens (QA) 1.2 M (0 %).',
    );
  });

  it('shows what arms share once: one column for two arms with one filter, one grey line for their stable run', () => {
    expect([...document.querySelector('#data table')!.querySelectorAll('thead th')].map(words)).toEqual([
      '',
      'loose',
      'middle',
      'strict, strict-no-qa',
    ]);
    expect(words(document.querySelector('#train'))).toContain(
      'The stable phase is one run a seed for strict, strict-no-qa.',
    );
    const loss = figureOf(document, 'Loss');
    expect([...strokes(loss)].sort()).toEqual([
      'var(--ink-soft)',
      'var(--s1)',
      'var(--s2)',
      'var(--s3)',
      'var(--s4)',
    ]);
    expect(words(loss)).toContain('Logarithmic axis');
  });

  it('shows documents that a threshold decides: dropped by one arm, let through by that of another', () => {
    const decided = [...document.querySelectorAll('#data article.example')].map((e) =>
      words(e.querySelector('.source')),
    );
    expect(
      decided.some((line) =>
        /dropped by strict, strict-no-qa \(bound 0.6\), let through by this rule of loose; middle/.test(line),
      ),
    ).toBe(true);
    expect(document.querySelectorAll('#data figure svg')).toHaveLength(3);
  });

  it('draws RL in the same colours throughout, seeds pale, with a cross where a signature fired', () => {
    for (const title of [
      'Accuracy on held-out problems',
      'Reward',
      'Entropy',
      'Truncated responses',
      'Repetition',
      'Answer first',
    ]) {
      const figure = figureOf(document, title);
      const svg = figure.querySelector('svg[role=img]')!;
      const lines = [...svg.querySelectorAll('g[aria-label="line"]')];
      // A mean an arm, a pale curve a finished seed.
      expect(
        lines.filter((g) => g.getAttribute('stroke-width') === '1.8'),
        title,
      ).toHaveLength(4);
      expect(
        lines.filter((g) => ['0.8', '1.1'].includes(g.getAttribute('stroke-width')!)),
        title,
      ).toHaveLength(11);
      expect([...strokes(figure)].sort(), title).toEqual([
        'var(--s1)',
        'var(--s2)',
        'var(--s3)',
        'var(--s4)',
      ]);
    }
    const crosses = (title: string): string[] =>
      [...figureOf(document, title).querySelector('svg[role=img]')!.querySelectorAll('title')]
        .map(words)
        .filter((t) => /Repetition loop|Accuracy collapse/.test(t));
    expect(crosses('Repetition')).toEqual([
      'loose, seed 1, step 32 Repetition loop: More than 30 % of the responses of 4 steps repeat themselves.',
      'loose, seed 3, step 34 Repetition loop: More than 30 % of the responses of 4 steps repeat themselves.',
    ]);
    expect(crosses('Accuracy on held-out problems')).toHaveLength(4);
    expect(crosses('Reward')).toHaveLength(0);
    expect(words(figureOf(document, 'Response length'))).toContain('the most that is allowed');
    const signatures = [...document.querySelectorAll('#rl table')].at(-1)!;
    expect(words(signatures)).toContain('2 of 3seed 1 at 32, seed 3 at 34');
  });

  it('puts what the arms wrote to one problem at one step beside each other, folded', () => {
    const steps = [...document.querySelectorAll('details.samples')];
    expect(steps.map((s) => words(s.querySelector('summary')))).toEqual([
      'Step 1',
      'Step 21',
      'Step 40',
      'Step 60',
    ]);
    expect(steps.every((s) => !s.hasAttribute('open'))).toBe(true);
    const columns = [...steps[3]!.querySelectorAll('.sample-columns')];
    expect(columns).toHaveLength(2);
    for (const row of columns) {
      expect([...row.querySelectorAll('h5')].map(words)).toEqual([
        'loose',
        'middle',
        'strict',
        'strict-no-qa',
      ]);
      expect(words(row.querySelector('.sample'))).toContain('Solution Solution');
    }
    const rollouts = input.runs
      .filter(({ id }) => /^grpo-.*-1$/.test(id))
      .map((run) => run.rollouts!.filter(({ step }) => step === 60).map(({ prompt }) => prompt));
    expect(new Set(rollouts.map((prompts) => prompts.join())).size).toBe(1);
  });

  it('says what was shared and failed, labels intervals within a seed, and how to run it again', () => {
    const steps = words(document.querySelector('#steps'));
    expect(steps).toMatch(/train-stable 9 12 3|train-stable9123/);
    expect(steps).toContain('strict-no-qa seed 3');
    expect(steps).toContain(
      'Other seeds are not in it, so it says nothing about the difference between arms.',
    );
    expect(words(document.querySelector('#rerun'))).toContain(
      'midtrain ablate strict-filter.yaml --size cpu',
    );
    expect(words(document.querySelector('#rerun'))).toContain('972fddf');
  });

  it('gives every picture a name and a description, and its figure a table', () => {
    for (const svg of document.querySelectorAll('svg[role=img]')) {
      expect(svg.getAttribute('aria-label')!.length).toBeGreaterThan(10);
      expect(svg.querySelector('desc')).not.toBeNull();
    }
    for (const figure of document.querySelectorAll('figure.chart'))
      if (figure.querySelector('svg[role=img]') !== null)
        expect(figure.querySelector('details.data table'), words(figure.querySelector('h4'))).not.toBeNull();
  });

  it('has unique ids, links that lead somewhere, nothing that runs or fetches, and no hole where a number should be', () => {
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const a of document.querySelectorAll('a')) expect(ids).toContain(a.getAttribute('href')!.slice(1));
    expect(dangers(document)).toEqual([]);
    for (const whole of [html, markdown]) expect(/NaN|undefined|Infinity/.exec(whole)?.[0]).toBeUndefined();
  });

  it('says the same in Markdown', () => {
    expect(markdown.split('\n')[0]).toBe('# How strict the filter is, and QA in the decay phase');
    for (const sentence of [...document.querySelectorAll('.answer p')].map(words))
      expect(markdown.replace(/\\/g, '')).toContain(sentence);
    expect(markdown).toContain('| dropped: low\\_score | 271 (9.0 %) | 835 (27.8 %) | 2,132 (71.1 %) |');
    expect(markdown).toContain('| Repetition loop | 2 of 3: seed 1 at 32, seed 3 at 34 | – | – | – |');
    expect(markdown).toContain('▁');
    expect(markdown).toMatch(/loose \(wrong\):\n\n```text\n .boxed\{\d+\} Solution Solution/);
  });

  it('is the same, byte for byte, when made again', () => {
    const again = renderAblation(ablationInput());
    expect(again.html === html && again.markdown === markdown).toBe(true);
  });
});

describe('a report of other grids', () => {
  it('of eight arms and five seeds has eight colours, a picture for each arm, and stays below 5 MB', () => {
    const { html } = renderAblation(ablationInput({ arms: eightArms, seeds: 5, failed: [] }));
    expect(html.length).toBeLessThan(4_000_000);
    const document = parse(html);
    const figure = figureOf(document, 'Accuracy on held-out problems');
    expect(strokes(figure).size).toBe(8);
    // Forty pale curves would hide each other: they are in the pictures of their arms.
    expect(figure.querySelector('svg')!.querySelectorAll('g[aria-label="line"]')).toHaveLength(8);
    const strip = figureOf(document, 'Accuracy on held-out problems, arm by arm');
    expect([...strip.querySelectorAll('.strip-name')].map(words)).toEqual(eightArms.map(({ name }) => name));
    const [first] = strip.querySelectorAll('svg');
    const stroke = (g: Element): string => g.getAttribute('stroke')!;
    const lines = [...first!.querySelectorAll('g[aria-label="line"]')].map(stroke);
    expect(lines.filter((s) => s === 'var(--s1)')).toHaveLength(5 + 1);
    expect(lines.filter((s) => s === 'var(--muted)')).toHaveLength(7);
    expect(dangers(document)).toEqual([]);
  });

  it('draws held-out loss from where the arms part when all share their stable run', () => {
    const document = parse(renderAblation(ablationInput({ arms: qaArms, failed: [] })).html);
    const figure = figureOf(document, 'Held-out loss: qa');
    expect(words(figure)).toContain('From where the arms part');
    expect([...strokes(figure)]).not.toContain('var(--ink-soft)');
    expect([...strokes(figureOf(document, 'Loss'))]).toContain('var(--ink-soft)');
    expect(words(document.querySelector('#data'))).toContain('One filter run for all arms.');
  });

  it('compares nothing without a signal', () => {
    const { html } = renderAblation(ablationInput({ signal: false }));
    const document = parse(html);
    expect(words(document.querySelector('#answer .notes'))).toContain('No signal');
    expect(figureOf(document, 'Difference in RL accuracy, by seed')).toBeUndefined();
    expect(words(document.body)).not.toMatch(/ is (?:higher|lower) with /);
    expect(document.querySelectorAll('.claims > li')).toHaveLength(1);
    expect(words(document.querySelector('.claims > li'))).toContain('so no arm is compared with another.');
    for (const badge of document.querySelectorAll('.claims > li .badge'))
      expect(words(badge)).toBe('no signal');
  });

  it('of one seed, of nothing done, and of arms without filter or training leaves out what is not there', () => {
    const one = ablationInput({ seeds: 1, failed: [] });
    const bare: AblationInput = {
      ...one,
      runs: one.runs.filter(({ record }) => record.command === 'grpo'),
      cells: one.cells.map((cell) => ({ ...cell, steps: { grpo: cell.steps.grpo! } })),
    };
    const nothing: AblationInput = {
      ...one,
      runs: [],
      steps: [],
      cells: one.cells.map(({ arm, seed }) => ({
        arm,
        seed,
        status: 'not run',
        steps: {},
        evals: {},
        values: {},
        absent: {},
        signatures: [],
      })),
    };
    for (const [input, parts] of [
      [one, ['data', 'train', 'rl', 'samples']],
      [bare, ['rl', 'samples']],
      [nothing, []],
    ] as const) {
      const { html, markdown } = renderAblation(input);
      const document = parse(html);
      expect(
        ['data', 'train', 'rl', 'samples'].filter((id) => document.querySelector(`#${id}`) !== null),
      ).toEqual(parts);
      expect(words(document.querySelector('#answer .notes'))).toContain('One seed: too few to say anything');
      expect(/NaN|undefined|Infinity/.exec(`${html}${markdown}`)?.[0]).toBeUndefined();
    }
  });
});

describe('a report of hostile texts', () => {
  let html: string;
  let markdown: string;
  beforeAll(() => {
    const long = 'W'.repeat(4000);
    const bad = (value: unknown, key: string): unknown => {
      if (typeof value === 'string') return keep.has(key) ? value : `${payload}${value}${long.slice(0, 300)}`;
      if (Array.isArray(value)) return value.map((item) => bad(item, key));
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(
        Object.entries(value).map(([k, v]) => [keyed.has(key) ? `${payload}${k}` : k, bad(v, k)]),
      );
    };
    const keep = new Set([
      'id',
      'arm',
      'seed',
      'seeds',
      'status',
      'unit',
      'measure',
      'outcome',
      'state',
      'command',
      'kind',
      'evidence',
      'role',
      'side',
      'first',
      'second',
      'parents',
      'filter',
      'mixStable',
      'mixDecay',
      'stable',
      'decay',
      'grpo',
      'phase',
      'startedAt',
    ]);
    const keyed = new Set(['dropped', 'signals', 'examples', 'versions', 'config', 'thresholds']);
    const poisoned = bad(ablationInput(), '') as AblationInput;
    // Names tie arms, cells and comparisons together, and those of measures their values.
    const name = (arm: string): string => `${payload}${arm}`;
    const plain = ablationInput();
    const input: AblationInput = {
      ...poisoned,
      arms: poisoned.arms.map((arm, i) => ({ ...arm, name: name(fourArms[i]!.name) })),
      cells: poisoned.cells.map((cell) => ({ ...cell, arm: name(cell.arm) })),
      comparisons: poisoned.comparisons.map(({ first, second }) => ({
        first: name(first),
        second: name(second),
      })),
      measures: poisoned.measures.map((measure, i) => ({ ...measure, name: plain.measures[i]!.name })),
    };
    ({ html, markdown } = renderAblation(input));
  });

  it('holds the texts and nothing that runs, loads or breaks out', () => {
    const document = parse(html);
    expect(dangers(document)).toEqual([]);
    expect(words(document.body)).toContain("<script>document.title='pwned'</script>");
    expect(/<script|<img|\u0000|\u202e/.exec(html)?.[0]).toBeUndefined();
    const count = (doc: Document): number =>
      doc.querySelectorAll('section,figure,article,nav,style,title,pre,h2').length;
    const benign = parse(renderAblation(ablationInput()).html);
    expect(document.querySelectorAll('section').length).toBe(benign.querySelectorAll('section').length);
    expect(count(document)).toBeGreaterThan(60);
  });

  it('keeps Markdown free of markup outside code blocks', () => {
    const outside = markdown.replace(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, '');
    expect(outside).not.toMatch(/<(script|img)/);
    expect(outside).not.toMatch(/(?<!\\)\]\(/);
    expect(outside.split('\n').filter((line) => /^# /.test(line))).toHaveLength(1);
  });
});
