/** `midtrain design`: design a mixture on the terminal and see tokens, passes, steps, time and disk move with it. */
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { numberValue, sourcePathsValue } from './parse.ts';

export const command: Command = {
  name: 'design',
  summary: 'design a mixture on the terminal: shares, tokens, passes, steps, time and disk',
  description:
    'Opens a recipe (a YAML file, or a built-in one by name; without one ./mixture.yaml, else the demo) in an editor of mixtures. Move a share with ' +
    'the arrow keys or type it; the fill source gives way, or all in proportion; lock shares, switch sources off, change budget, sequence length and ' +
    'tokenizer, undo, compare with a built-in recipe, read documents of a source, save (comments in the file stay), or start mix. ? lists the keys. ' +
    'A built-in recipe is saved as a file of yours. Sizes are those of the data cards until the data that is here has been sampled. Without a ' +
    'terminal, --json or --dry-run print the plan and what follows from it.',
  arguments: [{ name: 'recipe', description: 'a recipe file, or the name of a built-in recipe' }],
  options: [
    {
      flags: '--data <source=path>',
      description: 'where the data of one source is; may be repeated, also for one source',
      parse: sourcePathsValue,
    },
    { flags: '--tokenizer <path>', description: 'folder with tokenizer.json, or a Hub name, for the recipe' },
    { flags: '--model <name>', description: 'model the training time is for, such as Llama-3.2-3B' },
    {
      flags: '--tflops <number>',
      description: 'speed to reckon the training time with: a data sheet figure, of which 40 % is taken',
      parse: numberValue({ min: 1e-6 }),
    },
    dryRunOption,
    jsonOption,
  ],
  examples: [
    { command: 'midtrain design', what: './mixture.yaml, or the bundled demo' },
    { command: 'midtrain design decay-hybrid --tflops 990', what: 'start from a decay branch of the paper' },
    {
      command: 'midtrain design decay-long --data megamath-web-pro=runs/math --model Llama-3.2-1B',
      what: 'with data of your own for one source',
    },
    {
      command: 'midtrain design stable --tflops 990 --json',
      what: 'plan, steps, time and disk for a script',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [{ loadRecipe, builtInRecipes }, { resolveSources, withData }, { modelShapes }, { DesignSession }] =
    await Promise.all([
      import('../../mixtures/load.ts'),
      import('../../mixtures/sources.ts'),
      import('../../trainer/model/model-shapes.ts'),
      import('../tui/design-session.ts'),
    ]);
  const { perform, startHistory } = await import('../../mixtures/design/history.ts');
  const { startUi } = await import('../tui/design-state.ts');
  const { speedText } = await import('../tui/design-prompts.ts');
  const data = (options.data as Record<string, string[]> | undefined) ?? {};
  const loaded = withData(loadRecipe(args[0], context.cwd), data, context.cwd);
  const session = new DesignSession({ cwd: context.cwd, loaded, models: modelShapes });
  const model = (options.model as string | undefined) ?? session.defaultModel();
  if (!modelShapes.some(({ name }) => name === model)) {
    throw new UserError(`--model ${model}: no such model`, {
      hint: `one of ${modelShapes.map(({ name }) => name).join(', ')}`,
    });
  }
  let ui = startUi(startHistory(session.opened), model);
  if (session.scaledFrom !== undefined) {
    // Nothing that mix would take: the file does not say this.
    const off = { ...session.opened, fill: undefined };
    ui = {
      ...ui,
      history: startHistory(session.opened, off),
      message: {
        text: `the weights came to ${Number(session.scaledFrom.toPrecision(4))} and were scaled to 1`,
        tone: 'warn',
      },
    };
  }
  const asked = options.tokenizer as string | undefined;
  if (asked !== undefined) {
    const checked = session.checkTokenizer(asked);
    if ('error' in checked) throw new UserError(`--tokenizer ${asked}: ${checked.error}`, {});
    ui = {
      ...ui,
      history: perform(ui.history, { kind: 'settings', settings: { tokenizer: checked.tokenizer } }).history,
    };
  }
  const flops = options.tflops === undefined ? undefined : (options.tflops as number) * 1e12;
  if (flops !== undefined)
    ui = { ...ui, speed: { flopsPerSecond: flops, label: speedText(flops), utilisation: undefined } };

  if (context.json || options.dryRun === true) {
    const { designJson, designText } = await import('../tui/design-plain.ts');
    const { sizeSources } = await import('../stages/size-sources.ts');
    const { tokenizer } = ui.history.present.settings;
    const counted = { ...loaded, recipe: { ...loaded.recipe, tokenizer } };
    const sizes = await sizeSources(counted, { cwd: context.cwd, signal: context.signal });
    const exported = session.exported(ui.history.present, sizes, model, ui.speed);
    context.write(context.json ? designJson(exported) : designText(exported));
    return exported.plan.problems.length === 0 ? exitCodes.done : exitCodes.userError;
  }
  if (!process.stdout.isTTY || !process.stdin.isTTY) {
    throw new UserError('design needs a terminal: standard input or output is not one', {
      hint: 'run it in a terminal, or add --dry-run or --json for the plan as text',
    });
  }
  // React's development build costs 3.6 times the processor time per frame.
  process.env.NODE_ENV ??= 'production';
  const [{ openDesigner }, { coloursOf }] = await Promise.all([
    import('../tui/design-app.tsx'),
    import('../tui/design-line.ts'),
  ]);
  const recipes = builtInRecipes().map((name) => ({
    name,
    description: loadRecipe(name, context.cwd).recipe.description ?? '',
  }));
  const { licencesOf } = await import('../../mixtures/licences-of.ts');
  const notices = licencesOf(resolveSources(loaded, context.cwd), loaded.recipe.use);
  const end = await openDesigner(
    { session, ui, colours: coloursOf(process.env), recipes, notices, signal: context.signal },
    process,
  );
  if (end.kind === 'interrupted') {
    if (end.recovered !== undefined)
      context.emit({ kind: 'message', level: 'warn', text: `what was not saved is in ${end.recovered}` });
    return exitCodes.interrupted;
  }
  if (end.kind === 'quit') return exitCodes.done;
  const { command: mix } = await import('./mix.ts');
  return mix.run(context, [session.mixArgument], {
    out: end.output,
    ...(options.data === undefined ? {} : { data }),
  });
}
