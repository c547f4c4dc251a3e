/** `midtrain demo`: the whole way on a small real corpus, in minutes and without a GPU; ends with a report to open. */
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { integerValue } from './parse.ts';
import { percent } from './write-result.ts';

export const command: Command = {
  name: 'demo',
  summary: 'the whole way on a small real corpus, in minutes and without a GPU',
  description:
    'Filters the documentation that installed npm packages carry (or --pages) and scores it with the bundled math classifier, mixes it with ' +
    'generated arithmetic, trains a small model through the ' +
    'stable and the decay phase, runs GRPO on it, and writes a report. Every file it works from is left in the run folder. Stopped with Ctrl-C, ' +
    'the same command goes on where it was.',
  options: [
    { flags: '--out <folder>', description: 'run folder', default: 'runs/demo' },
    {
      flags: '--pages <folder>',
      description: 'HTML, text or Markdown pages to use instead of installed documentation',
    },
    {
      flags: '--seed <n>',
      description: 'decides data order, start weights and samples',
      default: 0,
      parse: integerValue({ min: 0 }),
    },
    {
      flags: '--shuffle-rewards',
      description: 'control run: rewards are permuted, so accuracy must not climb',
    },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain demo', what: 'the whole way; the report is runs/demo/report.html' },
    { command: 'midtrain demo --pages my-pages --out runs/mine --seed 1', what: 'with pages of your own' },
  ],
  run,
};

/** Minutes on two cores, measured (EXPERIMENTS.md). */
const expectedMinutes = { lavapipe: 3, swiftshader: 20 };

async function run(
  context: CommandContext,
  _args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const { mkdir } = await import('node:fs/promises');
  const path = await import('node:path');
  const { writeFileAtomic } = await import('../io/atomic.ts');
  const { demoWorld } = await import('../ablate/demo-world.ts');
  const { runWholeWay } = await import('../ablate/whole-way.ts');
  const { openDevice } = await import('../../trainer/gpu/device.ts');
  const out = path.resolve(context.cwd, options.out as string);
  const pages = await pagesFolder(context.cwd, options.pages as string | undefined);
  const world = demoWorld({
    out,
    pages,
    seed: options.seed as number,
    shuffleRewards: options.shuffleRewards === true,
  });
  const say = (text: string) => context.emit({ kind: 'message', level: 'info', text });

  const gpu = await openDevice();
  say(expectation(gpu.info));
  await mkdir(path.join(out, 'problems'), { recursive: true });
  for (const [name, content] of Object.entries(world.files))
    await writeFileAtomic(path.join(out, name), content);
  const began = performance.now();
  const { describeStep } = await import('./describe-step.ts');
  const result = await runWholeWay(
    gpu,
    {
      filter: { config: world.filter, text: world.files['pipeline.yaml']!, out: path.join(out, 'filter') },
      mixtures: world.mixtures,
      train: world.train,
      grpo: world.grpo,
    },
    { emit: context.emit, signal: context.signal, onStep: (done) => say(describeStep(done)) },
  ).finally(() => gpu.close());

  const [{ readReportRuns }, { renderReport }] = await Promise.all([
    import('./report-runs.ts'),
    import('../report/report.ts'),
  ]);
  const { runs } = readReportRuns(context.cwd, result.runs, false);
  const shown = path.relative(context.cwd, out) || '.';
  const report = await renderReport(runs, {
    title: 'The demo: from pages to reinforcement learning',
    command: `midtrain report ${shown} --out ${path.join(shown, 'report.html')}`,
  });
  const reportFile = path.join(out, 'report.html');
  await writeFileAtomic(reportFile, report.html);
  const minutes = (performance.now() - began) / 60000;
  const { startAccuracy, endAccuracy, change, interval } = result.grpo;
  if (context.json) {
    context.write(
      `${JSON.stringify({ out, minutes, startAccuracy, endAccuracy, change, interval, report: reportFile, runs: result.runs }, null, 2)}\n`,
    );
  } else {
    context.write(
      `Done in ${minutes.toFixed(1)} minutes. Accuracy on held-out problems, sampled at temperature 1: ${percent(startAccuracy)} after mid-training, ` +
        `${percent(endAccuracy)} after GRPO (change ${percent(change)}, 95 % interval ${percent(interval[0])} to ${percent(interval[1])}).\n` +
        `Report: ${path.relative(context.cwd, reportFile)}\n`,
    );
  }
  return exitCodes.done;
}

function expectation(info: { name: string; software: boolean }): string {
  if (!info.software) return `running on ${info.name}; expect a few minutes`;
  const swiftshader = /swiftshader/i.test(info.name);
  const minutes = swiftshader ? expectedMinutes.swiftshader : expectedMinutes.lavapipe;
  return `running on ${info.name}, a software adapter: expect about ${minutes} minutes on two cores`;
}

/** The pages asked for, or the documentation of the packages that are installed around midtrain. */
async function pagesFolder(
  cwd: string,
  asked: string | undefined,
): Promise<{ path: string; format: 'auto' | 'text' }> {
  const { existsSync } = await import('node:fs');
  const path = await import('node:path');
  if (asked !== undefined) {
    const folder = path.resolve(cwd, asked);
    if (!existsSync(folder))
      throw new UserError(`--pages ${asked}: there is no such folder`, {
        hint: 'give a folder of .html, .md or .txt files',
      });
    return { path: folder, format: 'auto' };
  }
  const { packageRoot } = await import('../io/package-root.ts');
  const root = packageRoot();
  // In a clone the packages lie below the project, in an installation beside it.
  const inside = path.join(root, 'node_modules');
  const around = path.dirname(root);
  if (existsSync(path.join(inside, 'typescript')) || existsSync(path.join(inside, 'zod')))
    return { path: inside, format: 'text' };
  if (path.basename(around) === 'node_modules') return { path: around, format: 'text' };
  throw new UserError('found no installed packages to take documentation from', {
    hint: 'give pages of your own: --pages <folder>',
  });
}
