/** The reward.py of an export: src/export/python/reward.py with the config's settings written in. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { GrpoConfig } from '../../trainer/grpo/config.ts';
import { UserError } from '../core/errors.ts';
import { packageRoot } from '../io/package-root.ts';

/** Values of a right and a wrong answer, for rewards that reward.py can be. Throws a `UserError` for all others. */
export function rewardValues(config: GrpoConfig): { right: number; wrong: number } {
  const names = config.reward_funcs ?? [config.reward];
  const weight = config.reward_weights?.[0] ?? 1;
  const [name] = names;
  const options = config.reward_options[name ?? ''] ?? {};
  if (names.length === 1 && name === 'boxed') return { right: weight, wrong: -weight };
  if (names.length === 1 && name === 'accuracy_reward' && options.extract === 'boxed')
    return { right: weight, wrong: 0 };
  throw new UserError(
    `the reward ${names.join(' + ')} is not exported: reward.py is boxed, or accuracy_reward with extract: boxed`,
    {
      hint: 'export with reward: boxed and put a Python file of your own, with compute_score(data_source, solution_str, ground_truth, extra_info), in place of reward.py',
    },
  );
}

const python = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value));

export function rewardPython(config: GrpoConfig, stopStrings: readonly string[]): string {
  const { right, wrong } = rewardValues(config);
  const source = readFileSync(path.join(packageRoot(), 'src/export/python/reward.py'), 'utf8');
  const settings = [
    `RIGHT, WRONG = ${python(right)}, ${python(wrong)}`,
    // JSON's strings are Python's, but for characters beyond the basic plane, which JSON may escape in two halves and does not here.
    `STOP_STRINGS = (${stopStrings.map((stop) => `${JSON.stringify(stop)}, `).join('')})`,
    'USE_MATH_VERIFY = False',
  ];
  return source.replace(
    /# settings: written by the exporter\n[\s\S]*?# end of settings\n/,
    () => `# settings: written by the exporter\n${settings.join('\n')}\n# end of settings\n`,
  );
}

/** A single-turn agent of verl that hands stop strings to the sampler. */
export function stopAgentPython(stopStrings: readonly string[]): string {
  return `"""verl's single-turn agent with the stop strings of the config: verl 0.9.1 has no key for them, vLLM takes them as \`stop\`.

Written by midtrain. agent_loops.yaml names it; this folder must be on PYTHONPATH of every worker (run.sh does so on this machine).
"""
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop

STOP_STRINGS = [${stopStrings.map((stop) => JSON.stringify(stop)).join(', ')}]


class StopAgentLoop(SingleTurnAgentLoop):
    async def run(self, sampling_params, **kwargs):
        return await super().run({**sampling_params, "stop": STOP_STRINGS}, **kwargs)
`;
}

export const agentLoopsYaml = '- name: midtrain_stop\n  _target_: stop_agent.StopAgentLoop\n';
