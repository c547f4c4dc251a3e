/** run.sh and README.md of a verl export. */
import type { GrpoConfig } from '../../trainer/grpo/config.ts';
import { type PresetValue, presetInUse } from '../../trainer/grpo/presets.ts';
import {
  type Override,
  overrideText,
  shellText,
  type VerlCluster,
  type VerlSettings,
} from './verl-overrides.ts';

export interface VerlFactsForPeople {
  config: GrpoConfig;
  at: string;
  cluster: VerlCluster;
  settings: VerlSettings;
  train: number;
  test: number;
  stopStrings: readonly string[];
}

export function verlScript({ config, settings, at }: VerlFactsForPeople): string {
  const lines = (overrides: readonly Override[]): string =>
    overrides.map((override) => `    ${overrideText(override)} \\`).join('\n');
  const stages = settings.stages.map(
    ({ until, responseLength, overrides }) =>
      `# up to step ${until}: responses of ${responseLength} tokens\nlaunch ${overrides.map(overrideText).join(' ')}`,
  );
  return `#!/usr/bin/env bash
# ${config.name}: written by \`midtrain export verl\`, see README.md. One launch a length of the schedule; each goes on from the checkpoint of the last,
# and the whole script may be started again after a stop. What is given to it goes to every launch: ./run.sh trainer.logger=[console,wandb]
set -euo pipefail
export PYTHONPATH=${shellText(at)}"\${PYTHONPATH:+:$PYTHONPATH}"
extra=("$@")

launch() {
  python3 -m verl.trainer.main_ppo \\
${lines(settings.overrides)}
    "$@" "\${extra[@]}"
}

${stages.join('\n\n')}
`;
}

export function verlReadme(facts: VerlFactsForPeople): string {
  const { config, at, cluster, settings, train, test } = facts;
  const rows = [...settings.overrides, ...settings.stages[0]!.overrides].map(
    ({ key, value, from }) => `| \`${key}\` | ${cell(value)} | ${from.replaceAll('|', '\\|')} |`,
  );
  const evidence: readonly PresetValue[] = presetInUse(config);
  return `# ${config.name} for verl

Written by \`midtrain export verl\` for verl 0.9.1. Launch: \`bash ${at}/run.sh\` (${cluster.nodes} x ${cluster.gpus} GPUs; start Ray on all nodes first where there is more than one,
with this folder on their PYTHONPATH). Paths begin with \`${at}\`: put this folder there, or export again with \`--at\`.

| file | what it is |
|---|---|
| \`train.parquet\` | ${train} prompts to learn from, those longer than max_prompt_length ${config.max_prompt_length} left out |
| \`test.parquet\` | ${test} held-out prompts; verl reports each data_source apart |
| \`reward.py\` | compute_score: the last \\\\boxed{} against the reference |
${facts.stopStrings.length > 0 ? '| `stop_agent.py`, `agent_loops.yaml` | the stop strings, which verl has no key for |\n' : ''}| \`run.sh\` | every override; a launch for each length: ${settings.stages.map(({ until, responseLength }) => `${responseLength} tokens to step ${until}`).join(', ')} |

Prompts are whole: ${config.template === 'chat' ? "the tokenizer's own chat template is used" : '`custom_chat_template` prints the message and nothing else, behind the token that begins documents (once: verl tokenises without adding special tokens)'}.

reward.py is a port of midtrain's checker in one file. On 2,419 graded cases (the checker's own tests, 1,647 model outputs and 219 cases of other
graders, the same ones it was written on) it claimed no equality that the checker denies and missed 50 (2.1 %; none of the model outputs): conversions of
units, sums of matrices, inequalities that must be solved, numbers in words. \`USE_MATH_VERIFY = True\` asks math-verify where it says no.

## What verl does otherwise

${settings.warnings.length === 0 ? 'Nothing that the config asks for is left out.' : settings.warnings.map((warning) => `- ${warning}`).join('\n')}
- Old log-probabilities are computed again by the actor; here they are the sampler's.
- Orders of problems and samples are verl's own; the seed makes a run of verl repeatable as far as vLLM is.
- Keys of memory and speed (micro_batch_size, pack_length, logits_bytes, activation_checkpointing) have no counterpart that changes a result and are not exported; signatures are not watched (\`midtrain diagnose\` reads verl's log).

Older versions name some keys otherwise: \`custom_reward_function.path\` for \`reward.custom_reward_function.path\`, \`reward_model.reward_manager\` and
\`reward_model.overlong_buffer\` for \`reward.*\`; group filtering and overlong shaping were in the recipe \`dapo\` [unknown from which version on].

## Every override and where it is from

| verl | value | config |
|---|---|---|
${rows.join('\n')}
${evidence.length === 0 ? '' : `\n## The preset ${config.preset}\n\n| key | value | standing | source |\n|---|---|---|---|\n${evidence.map(({ key, value, evidence: tag, source }) => `| ${key} | ${JSON.stringify(value)} | ${tag} | ${source} |`).join('\n')}\n`}
Nothing here was run on a GPU.
`;
}

function cell(value: Override['value']): string {
  return `\`${JSON.stringify(value).replaceAll('|', '\\|')}\``;
}
