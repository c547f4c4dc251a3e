/** `midtrain report` on logs of TRL, verl, wandb and TensorBoard: names, groups, caps, what is missing, and files that are no logs. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseHTML } from 'linkedom';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runNames } from '../../src/cli/log-files.ts';
import { command } from '../../src/cli/report.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { grpoRun, writeRunFolders } from '../report/make-run-records.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'report-logs-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const put = (name: string, text: string): void => {
  mkdirSync(path.dirname(path.join(cwd, name)), { recursive: true });
  writeFileSync(path.join(cwd, name), text);
};

async function report(args: string[], options: Record<string, unknown> = {}) {
  let output = '';
  const events: ProgressEvent[] = [];
  const context = {
    emit: (event: ProgressEvent) => void events.push(event),
    signal: new AbortController().signal,
    write: (text: string) => void (output += text),
    json: true,
    cwd,
  };
  const exitCode = await command.run(context, args, { out: 'report.html', ...options });
  const page = readFileSync(path.join(cwd, 'report.html'), 'utf8');
  const { document } = parseHTML(page);
  const warnings = events.flatMap((e) => (e.kind === 'message' ? [e.text] : []));
  return { exitCode, result: JSON.parse(output), page, document, warnings };
}

/** A flag's values as the command line parses them. */
const flag = (name: string, ...texts: string[]) => {
  const parse = command.options!.find(({ flags }) => flags.startsWith(`${name} `))!.parse!;
  return texts.reduce<unknown>((before, text) => parse(text, name, before), undefined);
};

const steps = Array.from({ length: 12 }, (_, i) => 5 * i);
const trl = JSON.stringify({
  log_history: steps.flatMap((step) => [
    {
      ...{
        step,
        loss: 0.01,
        reward: step / 100,
        reward_std: 0.1,
        entropy: 0.6,
        'completions/mean_length': 200,
      },
      'completions/clipped_ratio': 0.9,
    },
    ...(step % 10 === 0 ? [{ step, 'eval_rewards/accuracy_reward/mean': 0.2 + step / 200 }] : []),
  ]),
});
const verl = steps
  .map(
    (step) =>
      `(TaskRunner pid=7) step:${step} - critic/score/mean:0.${10 + step} - actor/entropy:0.5 - response_length/mean:300 - ` +
      `response_length/clip_ratio:0.1 - actor/grad_norm:np.float64(0.2) - val-core/math500/acc/mean@1:0.${10 + step} - val-core/amc/acc/mean@1:0.1`,
  )
  .join('\n');

describe('midtrain report on logs', () => {
  it('shows TRL, verl and TensorBoard side by side, with curves, signatures and what each lacks', async () => {
    put('out/checkpoint-50/trainer_state.json', trl);
    put('out/checkpoint-5/trainer_state.json', trl.slice(0, 90));
    put('verl.log', verl);
    // transformers' own event files beside its checkpoints: the same run, read once.
    put('out/runs/today/events.out.tfevents.1', 'not even looked at');
    // transformers' own event files beside its checkpoints: the same run, read once.
    put('out/runs/today/events.out.tfevents.1', 'not even looked at');
    cpSync(path.join(import.meta.dirname, '../fixtures/tensorboard/pytorch'), path.join(cwd, 'tb'), {
      recursive: true,
    });
    const { result, document, exitCode } = await report(['out', 'verl.log', 'tb'], {
      name: flag('--name', 'out=TRL run', 'verl=Qwen on verl'),
      cap: flag('--cap', 'verl=4096'),
    });
    expect(exitCode).toBe(0);
    expect(result.runs.map((r: { label: string }) => r.label)).toEqual(['TRL run', 'Qwen on verl', 'tb']);
    const titles = [...document.querySelectorAll('figure h4')].map((h) => h.textContent);
    for (const title of [
      'Reward',
      'Response length',
      'Truncated responses',
      'Entropy',
      'Gradient norm',
      'math500, accuracy',
    ])
      expect(titles).toContain(title);
    const [ofTrl, ofVerl] = result.signatures;
    expect(ofTrl.verdict).toContain('Responses cut off at step');
    const saturation = ofVerl.signatures.find(
      (s: { signature: string }) => s.signature === 'length_saturation',
    );
    expect(saturation).toMatchObject({ state: 'clear', worst: 300 / 4096 });
    expect(result.benchmarks.filter((row: { run: string }) => row.run === 'Qwen on verl')).toMatchObject([
      { set: 'math500', accuracy: { of: 5, to: 55, max: 0.65, maxStep: 55 } },
      { set: 'amc', accuracy: { max: 0.1, maxStep: 0 } },
    ]);
    expect(result.missing.join('\n')).toMatch(
      /The log of tb does not hold: share of truncated responses, .*entropy/,
    );
    expect(document.body.textContent).toContain('Read from');
    const again = await report(['out', 'verl.log', 'tb']);
    // Without an allowed length the page does not pretend to have looked.
    expect(again.result.signatures[1].verdict).toContain('length saturation could not be checked');
    expect(again.result.missing.join('\n')).toMatch(/verl.* the allowed response length.*--cap/);
    expect(again.result.runs.map((r: { label: string }) => r.label)).toEqual(['out', 'verl', 'tb']);
  });

  it('reads one real run of TRL alike from trainer_state.json, from what was printed and from TensorBoard', async () => {
    const folder = path.join(import.meta.dirname, '../fixtures/trl-logs');
    cpSync(folder, path.join(cwd, 'trl'), { recursive: true });
    const files = ['trl/trainer_state.json', 'trl/printed.log', 'trl/events.out.tfevents.1'];
    const seen = [];
    for (const file of files) {
      const { result, document } = await report([file]);
      expect(result.benchmarks).toHaveLength(1);
      const { accuracy, length, lengthOf } = result.benchmarks[0];
      const verdicts = result.signatures[0].signatures.map(
        (s: { signature: string; state: string; step?: number }) => [s.signature, s.state, s.step],
      );
      const rounded = [accuracy, length].map((end) =>
        Object.fromEntries(
          Object.entries(end).map(([key, value]) => [key, Number((value as number).toPrecision(3))]),
        ),
      );
      const titles = [...document.querySelectorAll('figure h4')].map((h) => h.textContent);
      seen.push({ rounded, lengthOf, verdicts, titles, headline: result.headline });
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
    expect(seen[0]!.rounded[0]).toMatchObject({ of: 3, from: 4, to: 12 });
    expect(seen[0]!.titles).toEqual(
      expect.arrayContaining(['Reward', 'Entropy', 'Held-out problems, accuracy']),
    );
  });

  it("reads wandb's exports with an x axis of their own, gaps, grouped by folder, named and ordered by a file", async () => {
    const head = (metric: string): string =>
      [
        'train/global_step',
        ...['b', 'a'].flatMap((run) =>
          ['_step', metric].flatMap((m) => [m, `${m}__MIN`, `${m}__MAX`].map((c) => `${run} - ${c}`)),
        ),
      ] // prettier-ignore
        .map((cell) => `"${cell}"`)
        .join(',');
    const row = (step: number, b: string, a: string): string =>
      [step, step * 7, step * 7, step * 7, b, b, b, step * 9, step * 9, step * 9, a, a, a]
        .map((v) => `"${v}"`)
        .join(',');
    const rows = [row(0, '0.1', ''), row(10, '', '0.3'), row(20, '0.5', 'NaN'), row(30, '0.7', '0.9')].join(
      '\n',
    );
    put('export/one/acc.csv', `\ufeff${head('val/test_score/MATH500')}\n${rows}\n`);
    put(
      'export/two/acc.csv',
      `${head('val/test_score/MATH500').replaceAll('a -', 'c -').replaceAll('b -', 'd -')}\n${rows}\n`,
    );
    put(
      'names.yaml',
      'runs:\n  - { match: a, name: First }\n  - { match: c, name: Third, group: Named }\n  - { match: zzz }\n',
    );
    const { result, document, warnings } = await report(['export'], { names: 'names.yaml' });
    expect(result.runs.map((r: { label: string }) => r.label)).toEqual(['First', 'Third', 'b', 'd']);
    expect(result.benchmarks).toMatchObject([
      { run: 'First', group: 'one', accuracy: { max: 0.9, maxStep: 30, mean: 0.6, of: 2, from: 10 } },
      { run: 'Third', group: 'Named' },
      { run: 'b', group: 'one', accuracy: { of: 3, to: 30 } },
      { run: 'd', group: 'two' },
    ]);
    expect([...document.querySelectorAll('#benchmarks h3')].map((h) => h.textContent)).toEqual([
      'one',
      'Named',
      'two',
    ]);
    expect(document.querySelector('#benchmarks table')!.textContent).toContain('60.0 (90.0@30), of 2');
    expect(warnings).toEqual(['no logged run has a name with "zzz" in it']);
  });

  it("stands beside runs of this project, and a run's own metrics.jsonl stands for its folder", async () => {
    writeRunFolders(path.join(cwd, 'runs'), [grpoRun()]);
    put(
      'history.jsonl',
      steps.map((step) => JSON.stringify({ step, reward: 0.1, eval_accuracy: 0.2 })).join('\n'),
    );
    put('sft/metrics.jsonl', '{"step":1,"loss":2.5,"entropy":1}\n{"step":2,"loss":2}\n');
    const { result } = await report(['runs/grpo/metrics.jsonl', 'history.jsonl', 'sft']);
    expect(result.runs.map((r: { label: string; command: string }) => [r.label, r.command])).toEqual([
      ['sft', 'train'],
      ['addition', 'grpo'],
      [path.basename(cwd), 'grpo'],
    ]);
  });

  it.each([
    ['picture.csv', '\u0089PNG\r\n\u0000\u0000', 'picture.csv: is no text'],
    ['empty.jsonl', '', 'empty.jsonl: is empty'],
    [
      'time.csv',
      '"Relative Time (Process)","a - loss"\n"1","2"\n',
      'has Relative Time (Process) as its x axis',
    ],
    ['table.csv', '"Name","State","loss"\n"a","finished","2"\n', 'is an export of the table of runs'],
    ['tag.csv', 'Wall time,Step,Value\n', 'does not say of which metric'],
    ['page.log', '<!doctype html><html>', 'is a web page'],
    ['rows.jsonl', '{"a":1}\n{"b":2}\n', 'holds no row of metrics with a step'],
    ['broken.json', '{"log_history": [', 'holds no row of metrics with a step'],
    ['prose.txt', 'hello\nworld\n', 'holds no metrics'],
    ['events.out.tfevents.1', 'step,loss\n1,2\n3,4\n5,6\n', 'is no TensorBoard event file'],
    [
      'other.jsonl',
      '{"step":1,"gpu_memory":3,"name":"x"}\n',
      'holds no metric that a report draws; it has gpu_memory, name',
    ],
  ])('refuses %s with what is wrong, and leaves it out beside others', async (name, text, problem) => {
    put(name, text);
    await expect(report([name])).rejects.toThrow(problem);
    expect(existsSync(path.join(cwd, 'report.html'))).toBe(false);
    put('good.jsonl', '{"step":1,"reward":0.5}\n{"step":2,"reward":0.6}\n');
    const { exitCode, result, warnings } = await report([name, 'good.jsonl']);
    expect(exitCode).toBe(2);
    expect(result.failures.join()).toContain(problem);
    expect(warnings.join()).toContain(problem);
    expect(result.runs).toHaveLength(1);
  });

  it('says what is wrong with names', async () => {
    put('good.jsonl', '{"step":1,"reward":0.5}\n');
    put('names.yaml', 'runs:\n  - { matches: a }\n');
    await expect(report(['good.jsonl'], { names: 'names.yaml' })).rejects.toThrow(/names.yaml.*runs/s);
    expect(() => flag('--name', 'nothing')).toThrow('what to call the run');
  });

  it('writes names of hostile logs as text', async () => {
    const attack = `<img src=x onerror=alert(1)><script>alert(1)</script>`;
    put('x.csv', `"Step","${attack} - val/test_score/${attack}"\n"0","0.5"\n"4","0.6"\n`);
    put('names.yaml', `runs:\n  - match: img\n    group: "${attack}"\n`);
    const { document, page } = await report(['x.csv'], { names: 'names.yaml' });
    expect(document.querySelectorAll('script, img')).toHaveLength(0);
    expect(page).toContain('&lt;img src=x');
  });
});

describe('names of runs by their files', () => {
  it('are as much of the path as tells them apart', () => {
    const names = (...paths: string[]) => paths.map((file) => runNames(paths).get(file));
    expect(names('/x/a/metrics.jsonl', '/x/b/metrics.jsonl')).toEqual(['a', 'b']);
    expect(names('/a/out/checkpoint-5/trainer_state.json', '/b/out/trainer_state.json')).toEqual([
      'a/out',
      'b/out',
    ]);
    expect(names('/tb/events.out.tfevents.1.h', '/tb/events.out.tfevents.2.h', '/run.log')).toEqual([
      'tb',
      'tb',
      'run',
    ]);
    expect(names('/metrics.jsonl')).toHaveLength(1);
  });

  it('are found fast among many', () => {
    const began = process.cpuUsage().user;
    const paths = Array.from({ length: 2000 }, (_, i) => `/data/${i}/out/trainer_state.json`);
    expect(new Set(runNames(paths).values()).size).toBe(2000);
    expect(process.cpuUsage().user - began).toBeLessThan(2e6);
  });
});
