/** `jobs` and `inspect` on the folder of a pipeline with steps: what stands where, and what to do instead. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { command as inspect } from '../../src/cli/inspect.ts';
import { command as jobs } from '../../src/cli/jobs.ts';
import { fingerprint } from '../../src/core/config.ts';
import { scratchFolder } from '../io/scratch.ts';

const scratch = scratchFolder();
const folder = join(scratch, 'pro');
const steps = ['web', 'best', 'refined'].map((name, i) => ({
  name,
  config: { step: ['filter', 'score', 'refine'][i], name },
}));
for (const { name } of steps.slice(0, 2)) mkdirSync(join(folder, name), { recursive: true });
writeFileSync(join(folder, 'steps.json'), JSON.stringify({ name: 'pro', steps }));
writeFileSync(join(folder, 'web', 'plan.json'), '{}');

function done(step: string, complete: boolean): void {
  const body = {
    basis: 'b',
    ledger: { in: 1234, kept: 7, dropped: { low_score: 1227 }, failed: {} },
    outputs: [],
    facts: {},
    warnings: [],
    paid: { requests: 5, promptTokens: 2000, completionTokens: 30 },
    complete,
  };
  writeFileSync(join(folder, step, 'step.json'), JSON.stringify({ ...body, check: fingerprint(body) }));
}

async function run(command: typeof jobs, ...args: string[]): Promise<{ out: string; code: number }> {
  let out = '';
  const context = {
    cwd: scratch,
    json: false,
    signal: new AbortController().signal,
    write: (text: string) => {
      out += text;
    },
    emit: () => {},
  };
  const code = await command.run(context, args, {});
  return { out, code };
}

const subcommand = (name: string) => jobs.subcommands!.find((one) => one.name === name)!;

it('jobs status says which steps are done, what they handed on and what was paid', async () => {
  done('web', true);
  const { out, code } = await run(subcommand('status'), 'pro');
  expect(out).toMatch(/^pro in .*\/pro: unfinished$/m);
  expect(out).toMatch(/^ {2}web +filter +done +1,234 in, 7 out$/m);
  expect(out).toMatch(/^ {2}best +score +begun$/m);
  expect(out).toMatch(/^ {2}refined +refine +open$/m);
  expect(out).toContain('paid: 5 requests, 2,000 tokens sent, 30 received');
  expect(out).toContain('go on with: the same midtrain filter command again');
  expect(code).toBe(0);
});

it('a run that ended with documents that failed is partial', async () => {
  mkdirSync(join(folder, 'refined'), { recursive: true });
  done('best', true);
  done('refined', false);
  writeFileSync(join(folder, 'ledger.json'), '{}');
  const partial = await run(subcommand('status'), 'pro');
  expect(partial.out).toContain('pro: partial');
  expect(partial.code).toBe(2);
  done('refined', true);
  expect((await run(subcommand('status'), 'pro')).out).toMatch(/\/pro: done$/m);
  // A marker that was changed by hand is none.
  writeFileSync(join(folder, 'refined', 'step.json'), '{"complete":true,"ledger":{}}');
  expect((await run(subcommand('status'), 'pro')).out).toContain('pro: unfinished');
});

it('jobs retry and inspect say where to go', async () => {
  await expect(run(subcommand('retry'), 'pro')).rejects.toMatchObject({
    message: expect.stringContaining('goes on by its own command'),
  });
  for (const place of ['pro', 'pro/kept'])
    await expect(run(inspect, place)).rejects.toMatchObject({
      hint: `give the folder of a step: ${join(folder, 'web')}`,
    });
});
