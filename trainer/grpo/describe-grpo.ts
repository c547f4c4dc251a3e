/** `grpo --dry-run`: what a run would do, from its config and files; no GPU is opened. */
import { readModelConfig } from '../model/folder.ts';
import { countParameters } from '../model/parameters.ts';
import { readProblems } from '../problems.ts';
import type { GrpoConfig } from './config.ts';
import { parseLengthSchedule } from './length-schedule.ts';
import { findTemplate } from './templates.ts';

export async function describeGrpo(config: GrpoConfig): Promise<{
  parameters: number;
  problems: number;
  heldout: number;
  rollouts: number;
  updatesPerStep: number;
  lines: string[];
}> {
  const model = await readModelConfig(config.model);
  const problems = (await readProblems(config.problems)).length;
  const heldout = Math.min(config.eval_count, (await readProblems(config.eval_problems)).length);
  const template = findTemplate(config.template);
  const schedule = parseLengthSchedule(config.max_completion_length, 'max_completion_length');
  const rollouts = config.steps * config.prompts_per_step * config.num_generations;
  const updatesPerStep =
    (config.prompts_per_step / (config.mini_batch_prompts ?? config.prompts_per_step)) *
    config.num_iterations;
  const parameters = countParameters(model);
  return {
    parameters,
    problems,
    heldout,
    rollouts,
    updatesPerStep,
    lines: [
      `model            ${config.model}: ${parameters} parameters`,
      `problems         ${problems} to learn from, ${heldout} held out for accuracy (${config.eval_temperature === 0 ? 'greedy' : `sampled at temperature ${config.eval_temperature}`})`,
      `template         ${template.name} (evidence: ${template.evidence})`,
      `rollouts         ${config.steps} steps x ${config.prompts_per_step} prompts x ${config.num_generations} samples = ${rollouts}; ${updatesPerStep} updates a step`,
      `response length  ${schedule.map(({ step, tokens }) => `${tokens} tokens from step ${step}`).join(', ')}`,
      `loss             ${config.loss_type}, clip ${config.epsilon} / ${config.epsilon_high ?? config.epsilon}, advantages scaled by ${config.scale_rewards}`,
      `run folder       ${config.out}`,
    ],
  };
}
