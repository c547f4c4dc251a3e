/** The parts of docs/cluster-planning.md that the tool prints: made here for the test that holds them, and for `npm run bench:rates`, which renews them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { showMemory } from '../../src/cluster-plan/byte-size.ts';
import { clusterSchema } from '../../src/cluster-plan/cluster-config.ts';
import { clusterTable } from '../../src/cluster-plan/cluster-table.ts';
import { type ClusterPlan, planCluster } from '../../src/cluster-plan/plan-cluster.ts';
import { resolveDescription } from '../../src/cluster-plan/prepare.ts';
import { bundledRatesFile, readRates } from '../../src/cluster-plan/rates.ts';
import { withValues } from '../../src/cluster-plan/with-values.ts';
import { formatAmount } from '../../src/core/amount.ts';
import { parseConfig } from '../../src/core/config.ts';
import { packageRoot } from '../../src/io/package-root.ts';

export const pageFile = join(packageRoot(), 'docs', 'cluster-planning.md');
const file = 'docs/cluster.yaml';

export async function planOfPage(sets: Record<string, string> = {}): Promise<ClusterPlan> {
  const text = readFileSync(join(packageRoot(), file), 'utf8');
  const description = parseConfig(clusterSchema, withValues(parse(text), sets), file);
  // At other sizes training alone is asked for, and recipes say nothing of it.
  if (Object.keys(sets).length > 0) for (const phase of description.training!.phases) delete phase.recipe;
  // A folder without data, so that sizes are those of cards on every machine.
  const resolved = await resolveDescription(description, file, join(packageRoot(), 'docs'));
  return planCluster(description, readRates(bundledRatesFile()), resolved);
}

const sizes = ['Llama-3.2-1B', 'Llama-3.2-3B', 'Llama-3.1-8B'];
const nodes = ['4', '8', '16'];

/** Other sizes and numbers of nodes: one row a plan. */
async function sizesOf(): Promise<string> {
  const rows: string[] = [];
  for (const model of sizes)
    for (const count of nodes) {
      const { training } = await planOfPage({ 'training.model': model, 'nodes.gpu.count': count });
      const { layout, total, memory, fits, gpus, tokensPerSecondPerGpu } = training!;
      const { dp, tp, pp, microBatch } = layout;
      const cells = [
        model,
        String(gpus.value),
        String(Math.round(total.gpuHours.value)),
        (total.wallHours.value / 24).toFixed(1),
        String(Math.round(total.cost!.value)),
        formatAmount(tokensPerSecondPerGpu.value),
        `${dp} x ${tp} x ${pp}, ${microBatch}`,
        `${showMemory(memory.total.value)}${fits ? '' : ' (does not fit)'}`,
      ];
      rows.push(`| ${cells.join(' | ')} |\n`);
    }
  const head = [
    'model',
    'GPUs',
    'GPU h',
    'days',
    'USD',
    'tokens/s/GPU',
    'dp x tp x pp, micro-batch',
    'a GPU holds',
  ];
  return `| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}\n${rows.join('')}`;
}

/** The page with what the tool says between its marks. */
export async function withPlan(page: string, plan: ClusterPlan): Promise<string> {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = plan.assumptions.map(
    ({ evidence, text, source }) => `| ${evidence} | ${cell(text)} | ${cell(source)} |\n`,
  );
  const answer = `\`\`\`console\n$ midtrain plan --cluster ${file}\n${clusterTable(plan)}\`\`\`\n`;
  const listed = `| known | assumption | source |\n|---|---|---|\n${rows.join('')}`;
  const texts = { plan: answer, sizes: await sizesOf(), assumptions: listed };
  return Object.entries(texts).reduce((so, [mark, text]) => between(so, mark, text), page);
}

function between(page: string, mark: string, text: string): string {
  const [open, close] = [`<!-- ${mark} -->\n`, `<!-- /${mark} -->`];
  const [from, to] = [page.indexOf(open) + open.length, page.indexOf(close)];
  if (to < from || from < open.length)
    throw new Error(`${pageFile} has no marks ${open.trim()} ... ${close}`);
  return page.slice(0, from) + text + page.slice(to);
}

export async function renewPage(): Promise<void> {
  writeFileSync(pageFile, await withPlan(readFileSync(pageFile, 'utf8'), await planOfPage()));
}
