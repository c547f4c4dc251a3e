/** Carries out a verl export: reads model config and problems, settles prompts as `midtrain grpo` does, plans, writes. */
import path from 'node:path';
import type { GrpoConfig } from '../../trainer/grpo/config.ts';
import { planGrpo } from '../../trainer/grpo/plan-grpo.ts';
import { type Asked, leftOutInWords, preparePrompts } from '../../trainer/grpo/prepare-prompts.ts';
import { readModelConfig } from '../../trainer/model/folder.ts';
import { loadProblemSet } from '../../trainer/problem-sets/load-problem-set.ts';
import { answersFor } from '../../trainer/rewards/index.ts';
import { UserError } from '../core/errors.ts';
import { type VerlCluster, type VerlSettings, verlSettings } from './verl-overrides.ts';
import { verlReadme, verlScript } from './verl-readme.ts';
import { agentLoopsYaml, rewardPython, stopAgentPython } from './verl-reward.ts';
import { type VerlRow, verlRow, writeVerlRows } from './verl-rows.ts';
import { assertExportFolder, type ExportPlan, finishExport, writeExport } from './write-export.ts';

export interface VerlExport {
  config: GrpoConfig;
  out: string;
  at: string;
  /** Where the start model lies when the training runs. */
  model?: string | undefined;
  cluster: VerlCluster;
  dryRun?: boolean;
}

export interface VerlPlan extends ExportPlan, Omit<VerlSettings, 'warnings'> {
  kind: 'verl';
  /** Rows of train.parquet and test.parquet. */
  train: number;
  test: number;
}

export async function exportVerl(request: VerlExport): Promise<VerlPlan> {
  const { config, out, at, cluster } = request;
  const model = await readModelConfig(config.model);
  const plan = planGrpo(config, model);
  const problems = await loadProblemSet(config.problems, { use: 'train', answers: answersFor(config) });
  const prompts = await preparePrompts(config, plan, model, problems.problems);
  const heldout = prompts.heldout.filter(({ atStart }) => !atStart);
  const chat = prompts.own.template.chat !== undefined;
  for (const { name, prompt } of heldout)
    if ((prompt.template.chat !== undefined) !== chat)
      throw new UserError(
        `eval_problems ${name}: asked with ${prompt.template.name}, the problems to learn from with ${prompts.own.template.name}`,
        { hint: 'verl has one chat template a run: use text templates for all, or chat for all' },
      );
  const reward = rewardPython(config, prompts.own.stopStrings);
  const train = prompts.fitting.map((problem, i) => verlRow(problem, prompts.own, config.name, 'train', i));
  const test = heldout.flatMap(({ name, label, problems: taken, prompt }) => {
    const source = [name === '' ? 'heldout' : name, ...(label === undefined ? [] : [label])].join('-');
    return taken.map((problem, i) => verlRow(problem, prompt, source, 'test', i));
  });
  const { stopStrings } = prompts.own;
  const settings = verlSettings(config, plan.lengths, {
    problems: prompts.fitting.length,
    longestPrompt: longestOf(prompts.longestHeldout, prompts.longest, config.max_prompt_length),
    chatTemplate: chat ? undefined : plainChatTemplate(prompts.own),
    stopStrings,
    cluster,
    at,
    model: request.model ?? path.resolve(config.model),
  });
  const warnings = [
    ...settings.warnings,
    ...leftOutInWords(prompts, config.max_prompt_length),
    ...problems.warnings,
    ...spelledSpecials(chat ? [] : [...train, ...test], prompts.own),
    ...(chat && prompts.own.prefix !== undefined
      ? ['prompt_prefix: the chat template writes its own beginning']
      : []),
  ];
  const facts = {
    config,
    at,
    cluster,
    settings: { ...settings, warnings },
    train: train.length,
    test: test.length,
    stopStrings,
  };
  const whole: VerlPlan = {
    ...settings,
    kind: 'verl',
    warnings,
    train: train.length,
    test: test.length,
    files: [],
    texts: [
      { path: 'reward.py', text: reward },
      ...(stopStrings.length > 0
        ? [
            { path: 'stop_agent.py', text: stopAgentPython(stopStrings) },
            { path: 'agent_loops.yaml', text: agentLoopsYaml },
          ]
        : []),
      { path: 'run.sh', text: verlScript(facts) },
      { path: 'README.md', text: verlReadme(facts) },
    ],
  };
  assertExportFolder(out, 'verl');
  if (request.dryRun === true) return whole;
  await writeExport(out, whole);
  await writeVerlRows(path.join(out, 'train.parquet'), train);
  await writeVerlRows(path.join(out, 'test.parquet'), test);
  await finishExport(out, whole, {
    name: config.name,
    train: whole.train,
    test: whole.test,
    stages: whole.stages,
  });
  return whole;
}

function longestOf(heldout: number, train: number, limit: number): number {
  return Math.max(heldout, Math.min(train, limit));
}

/**
 * A chat template that prints the prompt and nothing else, behind the token that begins documents. verl tokenises what a template prints without
 * adding special tokens, so the token is there once.
 */
function plainChatTemplate({ prefix, tokenizer }: Asked): string {
  const spelled = prefix === undefined ? '' : (tokenizer.tokenOf(prefix) ?? '');
  if (/['{}\\]/.test(spelled))
    throw new UserError(`the token ${JSON.stringify(spelled)} cannot stand in a chat template`);
  return `${spelled}{% for message in messages %}{{ message.content }}{% endfor %}`;
}

/** Here what a problem says never becomes a special token; in verl a spelling does. */
function spelledSpecials(rows: readonly VerlRow[], { tokenizer }: Asked): string[] {
  const found = rows.filter(({ prompt }) =>
    prompt.some(({ content }) => {
      const plain = tokenizer.encode(content, { special: false });
      const read = tokenizer.encode(content, { special: true });
      return plain.length !== read.length || plain.some((id, i) => id !== read[i]);
    }),
  );
  if (found.length === 0) return [];
  return [
    `${found.length} prompts spell a special token of the tokenizer (the first: problem ${found[0]!.extra_info.id}); verl reads it as that token, midtrain as text`,
  ];
}
