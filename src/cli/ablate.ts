/** `midtrain ablate`: the arms of an experiment over seeds, each step once, and a report that says what the evidence allows. Maps flags to src/ablate. */
import { exitCodes, InterruptedError, UserError } from '../core/errors.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { integerValue, listValue, wordsValue } from './parse.ts';

export const command: Command = {
  name: 'ablate',
  summary: 'run the arms of an experiment over seeds, each shared step once, and report',
  description:
    'Reads an experiment (a YAML file, or the name of a built-in one, listed below): a base way from pages and problems to RL, arms that change parts of it, seeds. ' +
    'Every step (filter, mixture, phases of training, GRPO, evaluations) lies in a store by its content, so nothing is done twice, in one experiment or in several. ' +
    'Stopped at any point, the same command goes on; an arm that fails does not stop the others and is shown as failed (exit code 2). ' +
    "If the calibration's RL does not climb for certain, the experiment has no signal and the other arms are not run. " +
    'Leaves results.json, report.html and report.md in the output folder.',
  arguments: [{ name: 'experiment', description: 'a YAML file, or the name of a built-in experiment' }],
  options: [
    {
      flags: '--seeds <list>',
      description: 'other seeds than those of the file, such as 1,2,3',
      parse: wordsValue(),
    },
    { flags: '--arms <list>', description: 'only these arms', parse: wordsValue() },
    {
      flags: '--size <name>',
      description: 'another size that the file has, such as gpu (default: cpu, the file as it stands)',
    },
    {
      flags: '--set <path=value>',
      description:
        'change a key of the base before the arms change it, such as grpo.steps=20; may be repeated',
      parse: listValue(),
    },
    { flags: '-o, --out <folder>', description: "the experiment's folder (default: runs/ablate/<name>)" },
    { flags: '--store <folder>', description: 'where steps lie (default: runs/ablate/store)' },
    { flags: '--without-signal', description: 'run the arms although the calibration has no signal' },
    {
      flags: '--no-probe',
      description: 'with --dry-run: do not measure this machine where no finished step tells its speed',
    },
    {
      flags: '--export <folder>',
      description: 'write the small results of the steps that are done, and run nothing',
    },
    { flags: '--import <folder>', description: 'take the results of an export into the store first' },
    {
      flags: '--max-restarts <n>',
      description:
        'go on in a new process when the GPU is lost, so many times at most and only after a new checkpoint or step',
      parse: integerValue({ min: 0, max: 1000 }),
    },
    { flags: '--list', description: 'list the built-in experiments and stop' },
    dryRunOption,
    jsonOption,
  ],
  examples: [
    { command: 'midtrain ablate --list', what: 'the built-in experiments' },
    {
      command: 'midtrain ablate qa-ratio --dry-run',
      what: 'arms, shared steps, tokens, rollouts and minutes on this machine',
    },
    {
      command: 'midtrain ablate qa-ratio',
      what: 'run it, or go on with it; the report is runs/ablate/qa-ratio/report.html',
    },
    {
      command: 'midtrain ablate experiment.yaml --arms control,long --seeds 1,2,3,4,5 --set grpo.steps=60',
      what: 'two arms of your own experiment over five seeds, with longer RL',
    },
    {
      command: 'midtrain ablate qa-ratio --export results/qa-ratio',
      what: 'small results without weights, to commit or to go on elsewhere with --import',
    },
  ],
  delegates: (options) => options.maxRestarts !== undefined,
  run,
};

type Options = Record<string, unknown>;

async function run(context: CommandContext, [asked]: string[], options: Options): Promise<number> {
  const { resolve } = await import('node:path');
  const { builtInExperiments, findExperiment } = await import('../ablate/find-experiment.ts');
  if (options.list === true) return listBuiltIn(context);
  const { StepStore } = await import('../ablate/store.ts');
  const store = new StepStore(
    resolve(context.cwd, (options.store as string | undefined) ?? 'runs/ablate/store'),
  );
  if (options.import !== undefined) {
    if (options.dryRun === true)
      throw new UserError('--import writes into the store, and --dry-run writes nothing', {
        hint: 'import first, then plan',
      });
    await importFrom(context, resolve(context.cwd, options.import as string), store);
    if (asked === undefined) return exitCodes.done;
  }
  if (asked === undefined)
    throw new UserError('no experiment is given', {
      hint: `give a YAML file, or one of the built-in experiments: ${builtInExperiments().join(', ')}`,
    });
  const found = findExperiment(asked, context.cwd);
  const { ownInputs } = await import('../ablate/own-inputs.ts');
  const { planGrid } = await import('../ablate/plan-grid.ts');
  const inputs = ownInputs(found.folder, found.file);
  const { checkMeasures } = await import('../ablate/check-measures.ts');
  const grid = checkMeasures(planGrid(found.experiment, found.file, inputs, choiceOf(options)), found.file);
  if (options.dryRun === true) return dryRun(context, { grid, found, inputs, store, options });
  const commit = (await import('./source-commit.ts')).sourceCommit();
  const folder = resolve(
    context.cwd,
    (options.out as string | undefined) ??
      `runs/ablate/${grid.name}${grid.size === 'cpu' ? '' : `-${grid.size}`}`,
  );
  if (options.export !== undefined) {
    const { exportResults } = await import('../ablate/export-results.ts');
    const { storeSource } = await import('../ablate/step-source.ts');
    const exported = await exportResults(
      {
        grid,
        experiment: found.text,
        source: storeSource(store),
        folder: resolve(context.cwd, options.export as string),
      },
      madeBy(asked, options, commit),
    );
    const { writeResult } = await import('./write-result.ts');
    const { done, planned, bytes } = exported;
    writeResult(
      context,
      exported,
      `${done} of ${planned} steps in ${exported.folder}, ${Math.ceil(bytes / 1024)} KiB\n`,
    );
    return exitCodes.done;
  }
  if (options.maxRestarts !== undefined) {
    const { superviseGrid } = await import('./supervise-grid.ts');
    return superviseGrid(grid, store, options.maxRestarts as number, context.signal);
  }
  const { writeFileAtomic } = await import('../io/atomic.ts');
  const { join } = await import('node:path');
  await writeFileAtomic(join(folder, 'experiment.yaml'), found.text);
  await writeFileAtomic(join(folder, 'grid.json'), `${JSON.stringify(grid, null, 1)}\n`);
  const { runGrid } = await import('../ablate/run-grid.ts');
  const { reportGrid } = await import('../ablate/report-grid.ts');
  const { lazyGpu } = await import('./lazy-gpu.ts');
  const gpu = lazyGpu();
  const report = () => reportGrid({ grid, folder, store }, madeBy(asked, options, commit));
  try {
    const { emit, signal } = context;
    const result = await runGrid(grid, {
      ...{ store, gpu, emit, signal },
      withoutSignal: options.withoutSignal === true,
    });
    const made = await report();
    const { endedText } = await import('./ablate-ended.ts');
    const { writeResult } = await import('./write-result.ts');
    const { facts, text } = await endedText(result, made, context.cwd);
    writeResult(context, facts, text);
    return result.failed.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
  } catch (error) {
    // What is there is shown, whatever ended the grid.
    if (error instanceof InterruptedError) await report().catch(() => {});
    throw error;
  } finally {
    await gpu.close();
  }
}

function choiceOf(options: Options) {
  const seeds = (options.seeds as string[] | undefined)?.map((seed) => {
    if (/^\d{1,9}$/.test(seed)) return Number(seed);
    throw new UserError(`--seeds ${seed}: a seed is a whole number from 0`, {
      hint: 'for example --seeds 1,2,3',
    });
  });
  return {
    ...(seeds === undefined ? {} : { seeds: [...new Set(seeds)] }),
    ...(options.arms === undefined ? {} : { arms: options.arms as string[] }),
    ...(options.size === undefined ? {} : { size: options.size as string }),
    ...(options.set === undefined ? {} : { changes: options.set as string[] }),
  };
}

async function listBuiltIn(context: CommandContext): Promise<number> {
  const { builtInExperiments, findExperiment } = await import('../ablate/find-experiment.ts');
  const found = builtInExperiments().map((name) => {
    const { title, question, arms, seeds } = findExperiment(name, context.cwd).experiment;
    return { name, title, question, arms: Object.keys(arms), seeds };
  });
  const { writeResult } = await import('./write-result.ts');
  const width = Math.max(0, ...found.map(({ name }) => name.length));
  const lines = found.map(({ name, question }) => `${name.padEnd(width)}  ${question}\n`);
  writeResult(context, found, lines.join(''));
  return exitCodes.done;
}

async function importFrom(
  context: CommandContext,
  folder: string,
  store: import('../ablate/store.ts').StepStore,
): Promise<void> {
  const { importResults } = await import('../ablate/import-results.ts');
  const { name, imported, present, failed } = await importResults(folder, store);
  const text = `${name}: ${imported} steps taken from ${folder}, ${present} were there${failed === 0 ? '' : `, ${failed} had failed`}`;
  context.emit({ kind: 'message', level: 'info', text });
}

interface DryRun {
  grid: import('../ablate/grid.ts').Grid;
  found: import('../ablate/find-experiment.ts').FoundExperiment;
  inputs: import('../ablate/own-inputs.ts').OwnInputs;
  store: import('../ablate/store.ts').StepStore;
  options: Options;
}

async function dryRun(
  context: CommandContext,
  { grid, found, inputs, store, options }: DryRun,
): Promise<number> {
  const [{ describeGrid }, { StepRates }, { otherwise, probe, probeGrid }, { outlookText }, { writeResult }] =
    await Promise.all([
      import('../ablate/describe-grid.ts'),
      import('../ablate/step-rates.ts'),
      import('../ablate/probe.ts'),
      import('./ablate-text.ts'),
      import('./write-result.ts'),
    ]);
  const { stateOf } = await import('../ablate/grid-state.ts');
  const { experiment } = found;
  const { todo } = stateOf(grid, store);
  const { lazyGpu } = await import('./lazy-gpu.ts');
  const gpu = lazyGpu();
  try {
    let rates = new StepRates(store, {}, otherwise(undefined, undefined));
    const unknown = todo.some((step) => rates.of(step)?.source !== 'same shape');
    let probed: Awaited<ReturnType<typeof probe>> | undefined;
    if (unknown && options.probe !== false) {
      const { join } = await import('node:path');
      const small = probeGrid(grid, { ...found, inputs });
      probed = await probe(small, {
        gpu,
        signal: context.signal,
        cache: join(store.root, 'probe.json'),
      }).catch((error: unknown) => {
        if (context.signal.aborted) throw new InterruptedError();
        const text = `the probe failed, so times are from what is known: ${error instanceof Error ? error.message : String(error)}`;
        context.emit({ kind: 'message', level: 'warn', text });
        return undefined;
      });
    }
    rates = new StepRates(store, { adapter: gpu.adapter() }, otherwise(probed, experiment.expected));
    const outlook = describeGrid(grid, store, rates, gpu.adapter());
    writeResult(context, outlook, outlookText(outlook));
    return exitCodes.done;
  } finally {
    await gpu.close();
  }
}

/** What a report says of how it came to be. */
function madeBy(asked: string, options: Options, commit: string | undefined) {
  return { rerun: rerunOf(asked, options), ...(commit === undefined ? {} : { commit }) };
}

/** The commands that run it again. */
function rerunOf(asked: string, options: Options): string[] {
  const { seeds, arms, size, changes } = choiceOf(options) as Record<string, unknown>;
  const word = (text: string): string =>
    /^[\w./=,:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
  const words = [
    'midtrain ablate',
    word(asked),
    ...(seeds === undefined ? [] : [`--seeds ${(seeds as number[]).join(',')}`]),
    ...(arms === undefined ? [] : [`--arms ${(arms as string[]).join(',')}`]),
    ...(size === undefined ? [] : [`--size ${String(size)}`]),
    ...((changes as string[] | undefined) ?? []).map((change) => `--set ${word(change)}`),
    ...(options.withoutSignal === true ? ['--without-signal'] : []),
  ];
  return [words.join(' ')];
}
