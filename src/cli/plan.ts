/** `midtrain plan --cluster`: bytes, hours and cost of a corpus and a training run on machines that are not here. */
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, jsonOption } from './command.ts';
import { assignmentsValue, listValue } from './parse.ts';

export const command: Command = {
  name: 'plan',
  summary: 'bytes, hours and cost on a cluster from rates measured on this machine',
  description:
    'Takes a description of a corpus, nodes and training (YAML) and prints for every stage what it reads and writes, core hours, wall clock with what ' +
    'bounds it, and cost; for training GPU hours, tokens/s, MFU and whether it fits a GPU. Rates of the data stages were measured (npm run bench:rates), or ' +
    'come from finished runs given with --rates. Speeds of GPUs were never measured by this project: they are what the description states, or a published ' +
    'figure. --explain shows every formula with its numbers and each assumption with its source. Nothing is written.',
  options: [
    { flags: '--cluster <file>', description: 'the description' },
    {
      flags: '--rates <path>',
      description:
        'folder of a finished filter or mix run of this machine, or a rates.json; may be repeated, a later one goes first',
      parse: listValue(),
    },
    {
      flags: '--set <key=value>',
      description: 'another value in one place of the description; may be repeated',
      parse: assignmentsValue('nodes.gpu.count=16'),
    },
    { flags: '--explain', description: 'also every formula with its numbers, and all assumptions' },
    {
      flags: '--example',
      description: "print a whole description with comments: the paper's 200B + 3 x 20B tokens at 3B",
    },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain plan --example', what: 'a description to save as cluster.yaml and change' },
    { command: 'midtrain plan --cluster cluster.yaml', what: 'what it would take' },
    {
      command:
        'midtrain plan --cluster cluster.yaml --set training.model=Llama-3.1-8B --set nodes.gpu.count=16',
      what: 'the same at another size, on more nodes',
    },
    {
      command: 'midtrain plan --cluster cluster.yaml --rates runs/sample --explain',
      what: 'with the speed of a filter run over a sample of your pages, and the way to every number',
    },
  ],
  async run(context, _args, options) {
    const { join } = await import('node:path');
    const { readFile } = await import('node:fs/promises');
    if (options.example === true) {
      const { packageRoot } = await import('../io/package-root.ts');
      context.write(await readFile(join(packageRoot(), 'docs', 'cluster.yaml'), 'utf8'));
      return exitCodes.done;
    }
    const file = options.cluster as string | undefined;
    if (file === undefined)
      throw new UserError('plan: no description', {
        hint: 'give --cluster <file>; `midtrain plan --example > cluster.yaml` writes one to begin with',
      });
    const { resolve } = await import('node:path');
    const { z } = await import('zod');
    const { parseConfig } = await import('../core/config.ts');
    const { readYaml } = await import('./read-yaml.ts');
    const { withValues } = await import('../cluster-plan/with-values.ts');
    const { clusterSchema } = await import('../cluster-plan/cluster-config.ts');
    const { bundledRatesFile, readRates } = await import('../cluster-plan/rates.ts');
    const { ratesFrom } = await import('../cluster-plan/run-rates.ts');
    const { resolveDescription } = await import('../cluster-plan/prepare.ts');
    const { planCluster } = await import('../cluster-plan/plan-cluster.ts');
    const sets = (options.set as Record<string, string> | undefined) ?? {};
    const written = withValues(await readYaml(z.unknown(), file, context.cwd), sets);
    const description = parseConfig(clusterSchema, written, file);
    const given = (options.rates as string[] | undefined) ?? [];
    const rates = ratesFrom(
      given.map((path) => resolve(context.cwd, path)),
      readRates(bundledRatesFile()),
    );
    const plan = planCluster(description, rates, await resolveDescription(description, file, context.cwd));
    if (context.json) context.write(`${JSON.stringify(plan, null, 2)}\n`);
    else {
      const { clusterTable } = await import('../cluster-plan/cluster-table.ts');
      context.write(clusterTable(plan));
      if (options.explain === true) {
        const { explainPlan } = await import('../cluster-plan/explain-plan.ts');
        context.write(`\n${explainPlan(plan)}`);
      }
    }
    return plan.problems.length === 0 ? exitCodes.done : exitCodes.userError;
  },
};
