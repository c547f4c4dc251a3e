/** Plans of pipelines with steps: the built-in ones, what parameters change, what is refused before anything runs. */
import { describe, expect, it } from 'vitest';
import { leastRoundingTo } from '../../src/jobs/run-filter-step.ts';
import { estimateSteps } from '../../src/stages/estimate-steps.ts';
import { findPipeline, loadPipeline, stagedPipelines } from '../../src/stages/load-pipeline.ts';
import { planSteps, type StepPlan } from '../../src/stages/plan-steps.ts';
import type { StagedConfig } from '../../src/stages/staged-config.ts';
import { noParameters, type StagedParameters } from '../../src/stages/staged-parameters.ts';

const endpoint = { url: 'http://localhost:1', model: 'judge' };

function staged(name: string, changes: Record<string, string> = {}): StagedConfig {
  const found = findPipeline(name, '/nowhere', { steps: true, changes });
  if (!('staged' in found)) throw new Error(`${name} has no steps`);
  return found.staged;
}

function plan(
  name: string,
  parameters: Partial<StagedParameters> = {},
  changes: Record<string, string> = {},
): StepPlan {
  return planSteps(staged(name, changes), name, { ...noParameters, endpoint, ...parameters });
}

const names = ({ steps }: StepPlan): string[] => steps.map(({ name }) => name);

describe('the built-in pipelines with steps', () => {
  it('are these, and those that have a form of one pass keep it', () => {
    expect(stagedPipelines()).toEqual([
      'finemath-3plus',
      'finemath-4plus',
      'megamath-web',
      'megamath-web-pro',
      'megamath-web-pro-max',
    ]);
    for (const name of ['finemath-3plus', 'finemath-4plus', 'megamath-web', 'megamath-web-pro']) {
      expect(loadPipeline(name, '/nowhere').config.name).toBe(name);
    }
    expect(() => loadPipeline('megamath-web-pro-max', '/nowhere')).toThrow(/has steps/);
  });

  it.each(stagedPipelines())('%s has a plan', (name) => {
    expect(staged(name).name).toBe(name);
    const made = plan(name);
    expect(made.way.length).toBeGreaterThan(2);
    expect(made.endpoint).toEqual(endpoint);
    const documentSteps = made.steps.filter(({ name: step }) => made.way.includes(step));
    expect(documentSteps.map(({ name: step }) => step)).toEqual(made.way);
  });

  it('follow the papers where these say', () => {
    const steps = (name: string) => Object.fromEntries(staged(name).steps.map((step) => [step.name, step]));
    expect(steps('megamath-web-pro-max').recall).toMatchObject({ min: 0.4 });
    expect(steps('megamath-web-pro-max').math).toMatchObject({
      positiveMin: 3,
      prepare: 'megamath',
      dim: 256,
      lr: 0.1,
      wordNgrams: 3,
      minCount: 3,
      epoch: 3,
    });
    expect(steps('megamath-web-pro').best).toMatchObject({ min: { default: 4, 2023: 3, 2024: 3 } });
    expect(steps('megamath-web').sample).toMatchObject({ stratifyBy: 'dump', allocation: 'equal' });
    expect(steps('megamath-web').labels).toMatchObject({ rubric: 'relevance' });
    expect(steps('finemath-4plus').scored).toMatchObject({ min: 4, rounded: true });
  });
});

describe('parameters', () => {
  it('a given model takes the place of its training and of what only that needs', () => {
    const made = plan('megamath-web-pro', { models: { finemath: '/models/finemath' } });
    expect(names(made)).toEqual(['web', 'best', 'refined']);
    expect(made.steps[1]!.config).toMatchObject({ model: '/models/finemath' });
    expect(made.given).toEqual([{ step: 'finemath', model: '/models/finemath', by: 'flag' }]);
    const finemath = plan('finemath-3plus', { models: { finemath: 'column:score' }, endpoint: {} });
    expect(names(finemath)).toEqual(['pages', 'scored', 'clean']);
    expect(finemath.endpoint).toBeNull();
  });

  it('without seeds round 1 is the bundled classifier, and the plan says so', () => {
    const made = plan('megamath-web');
    expect(names(made)).not.toContain('round1');
    expect(made.given[0]).toMatchObject({ step: 'round1', by: 'otherwise' });
    expect(made.given[0]!.model).toMatch(/classifiers\/math-text$/);
    expect(made.notes.join('\n')).toMatch(/no examples are given.*math-text/);
    const seeds = plan('megamath-web', { positive: ['/p'], negative: ['/n'] });
    expect(names(seeds)[0]).toBe('round1');
    expect(seeds.steps[0]!.config).toMatchObject({ positive: ['/p'], negative: ['/n'] });
  });

  it('--set changes a key of a step, nested ones too', () => {
    const made = plan('megamath-web-pro-max', {}, { 'sample.count': '50', 'web.thresholds.use': '[]' });
    expect(made.steps.find(({ name }) => name === 'sample')!.config).toMatchObject({ count: 50 });
    expect(made.steps[0]!.config).toMatchObject({ thresholds: { use: [] } });
    expect(() => staged('megamath-web-pro-max', { 'sampel.count': '5' })).toThrow(/has no step sampel/);
    expect(() => staged('megamath-web-pro-max', { 'sample.cuont': '5' })).toThrow(/cuont/);
    expect(() => staged('megamath-web-pro-max', { 'sample.count': 'many' })).toThrow(/count/);
  });

  it('benchmarks go to the steps that decontaminate', () => {
    const made = plan('megamath-web', { benchmarks: [{ card: 'gsm8k-test', path: '/b.jsonl' }] });
    const with13 = made.steps.flatMap(({ name, config }) =>
      config.step === 'filter' && (config.decontaminate?.benchmarks.length ?? 0) > 0 ? [name] : [],
    );
    expect(with13).toEqual(['clean']);
    // One that the file names already is read from where the flag says.
    const config = structuredClone(staged('megamath-web'));
    for (const step of config.steps)
      if (step.step === 'filter' && step.decontaminate !== undefined)
        step.decontaminate.benchmarks = [{ card: 'gsm8k-test', path: '/old.jsonl' }];
    const { steps } = planSteps(config, 'f', {
      ...noParameters,
      endpoint,
      benchmarks: [{ card: 'gsm8k-test', path: '/new.jsonl' }],
    });
    expect(JSON.stringify(steps)).toContain('/new.jsonl');
    expect(JSON.stringify(steps)).not.toContain('/old.jsonl');
  });
});

describe('what is refused', () => {
  const refused = (name: string, parameters: Partial<StagedParameters>): string => {
    try {
      plan(name, parameters);
    } catch (error) {
      return `${(error as Error).message} | ${String((error as { hint?: string }).hint)}`;
    }
    return '';
  };

  it('an endpoint or a model that is missing is named by its flag', () => {
    expect(refused('megamath-web-pro-max', { endpoint: {} })).toMatch(/no --endpoint is given.*http:\/\//);
    expect(refused('megamath-web-pro-max', { endpoint: { url: 'http://x' } })).toMatch(
      /no --judge-model is given/,
    );
  });

  it('a model of a name that there is not', () => {
    expect(refused('megamath-web-pro', { models: { finemth: 'x' } })).toMatch(/did you mean finemath/);
  });

  it.each([
    ['a step that is not there', 'sample', 'from: web', 'from: wbe', /did you mean web/],
    ['a step of the wrong kind', 'label', 'from: sample', 'from: web', /takes sample/],
    [
      'a model that is no train step',
      'score',
      'model: step:math',
      'model: step:sample',
      /no such step before/,
    ],
    ['a label step on the input', 'label', 'from: sample', 'from: input', /does not read the input/],
    ['the name of a step twice', 'score', 'name: recall', 'name: web', /same name/],
  ])('%s', (_what, _kind, was, is, expected) => {
    const config = structuredClone(staged('megamath-web-pro-max'));
    const [key] = was.split(': ') as ['from' | 'model' | 'name'];
    const value = (text: string): string => text.slice(key.length + 2);
    const step = config.steps.find((one) => (one as Record<string, unknown>)[key] === value(was))!;
    Object.assign(step, { [key]: value(is) });
    let told = '';
    try {
      planSteps(config, 'f', { ...noParameters, endpoint });
    } catch (error) {
      told = `${(error as Error).message} ${String((error as { hint?: string }).hint)}`;
    }
    expect(told).toMatch(expected);
  });
});

describe('the estimate', () => {
  const defaults = { judgeCharacters: 12_000, judgeTokens: 512, refineCharacters: 12_000 };

  it('is bounded by the sample, by the documents and by their bytes', () => {
    const made = plan('megamath-web-pro-max', {}, { 'sample.count': '100' });
    const [labels, refined] = estimateSteps(made, { bytes: 4000, documents: 10 }, defaults);
    expect(labels).toEqual({
      step: 'labels',
      documents: 10,
      promptTokens: 1000 + 10 * 500,
      completionTokens: 5120,
    });
    expect(refined).toMatchObject({ step: 'refined', documents: 10, completionTokens: 1000 });
    const [many] = estimateSteps(made, { bytes: 4e9, documents: undefined }, defaults);
    expect(many).toMatchObject({ documents: 100, promptTokens: 100 * 3500 });
  });
});

describe('leastRoundingTo', () => {
  it('is where rounding half to even begins to reach a number', () => {
    const halfEven = (x: number): number => {
      const floor = Math.floor(x);
      const rest = x - floor;
      return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
    };
    for (const whole of [1, 2, 3, 4, 5]) {
      const least = leastRoundingTo(whole);
      expect(halfEven(least)).toBe(whole);
      expect(halfEven(least - 2 ** -50)).toBe(whole - 1);
    }
  });
});
