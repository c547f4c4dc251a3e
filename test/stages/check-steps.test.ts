/** What a later step would fail on is told before the first one runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkSteps } from '../../src/stages/check-steps.ts';
import { findPipeline, stagedPipelines } from '../../src/stages/load-pipeline.ts';
import { planSteps } from '../../src/stages/plan-steps.ts';
import { noParameters, type StagedParameters } from '../../src/stages/staged-parameters.ts';
import { scratchFolder } from '../io/scratch.ts';

const scratch = scratchFolder();
const endpoint = { url: 'http://localhost:1', model: 'judge' };

async function check(
  name: string,
  changes: Record<string, string>,
  parameters: Partial<StagedParameters> = {},
): Promise<string> {
  const found = findPipeline(name, '/nowhere', { steps: true, changes });
  if (!('staged' in found)) throw new Error(`${name} has no steps`);
  const plan = planSteps(found.staged, name, { ...noParameters, endpoint, ...parameters });
  try {
    await checkSteps(plan, name, scratch);
    return 'fine';
  } catch (error) {
    return `${(error as Error).message} | ${String((error as { hint?: string }).hint)}`;
  }
}

describe('checkSteps', () => {
  it.each(stagedPipelines())('%s is fine', async (name) => {
    expect(await check(name, {})).toBe('fine');
  });

  it.each([
    ['a prompt', { 'refined.prompt': 'megamath-web-po' }, /no prompt.*did you mean megamath-web-pro/],
    ['a rubric', { 'labels.rubric': 'relevanse' }, /no rubric.*did you mean relevance/],
    ['a signal family', { 'web.signals': '[maths]' }, /step web: unknown signal family "maths"/],
    ['a threshold set', { 'web.thresholds.use': '[nope]' }, /step web: unknown threshold set "nope"/],
  ])('%s that there is not', async (_what, changes, expected) => {
    expect(await check('megamath-web-pro-max', changes as unknown as Record<string, string>)).toMatch(
      expected,
    );
  });

  it('a model and a benchmark that are not there, whatever step they are for', async () => {
    const models = { finemath: join(scratch, 'none') };
    expect(await check('megamath-web-pro', {}, { models })).toMatch(/step best: there is no model .*none/);
    expect(await check('megamath-web-pro', {}, { models: { finemath: 'column:score' } })).toBe('fine');
    const path = join(scratch, 'items.jsonl');
    const benchmarks = [{ card: 'gsm8k-test', path }];
    expect(await check('megamath-web', {}, { benchmarks })).toContain(path);
    writeFileSync(path, '{"question":"How many legs have seven hens?","answer":"14"}\n');
    expect(await check('megamath-web', {}, { benchmarks })).toBe('fine');
  });

  it('a key that is not set and an address that is none', async () => {
    const noKey = { endpoint: { ...endpoint, apiKeyEnv: 'MIDTRAIN_TEST_NO_SUCH_KEY' } };
    expect(await check('megamath-web-pro-max', {}, noKey)).toMatch(/MIDTRAIN_TEST_NO_SUCH_KEY is not set/);
    const noUrl = { endpoint: { ...endpoint, url: 'ftp://x' } };
    expect(await check('megamath-web-pro-max', {}, noUrl)).toMatch(/http/);
  });
});
