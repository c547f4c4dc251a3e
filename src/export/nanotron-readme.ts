/** README.md of a Nanotron export: how to launch it, what each file is, what was assumed and how well it is known. */
import path from 'node:path';
import type { PhaseConfig } from '../../trainer/training/train-config.ts';
import type { NanotronPlan, NanotronRequest } from './nanotron-request.ts';
import type { ExportMixture } from './read-mixture.ts';

export interface NanotronReadme {
  request: NanotronRequest;
  plan: Omit<NanotronPlan, 'texts'>;
  rates: readonly { name: string; config: PhaseConfig; steps: number }[];
  tokenizer: string;
  mixtures: readonly ExportMixture[];
  folders: ReadonlyMap<ExportMixture, string>;
}

export function nanotronReadme({
  request,
  plan,
  rates,
  tokenizer,
  mixtures,
  folders,
}: NanotronReadme): string {
  const { config, cluster, at } = request;
  const { split } = plan;
  const tokens = plan.sequencesPerStep * config.sequence_length;
  const ranks =
    cluster.nodes > 1 ? ` --nnodes ${cluster.nodes} --rdzv-backend c10d --rdzv-endpoint $HEAD:29500` : '';
  const launch = (yaml: string): string =>
    `CUDA_DEVICE_MAX_CONNECTIONS=1 torchrun --nproc-per-node ${cluster.gpus}${ranks} run_train.py --config-file ${path.posix.join(at, yaml)}`;
  return `# ${config.name} for Nanotron

Written by \`midtrain export nanotron\`. Nanotron's main branch reads it (\`data_stages\`, \`optimizer_factory\`; config.py as of 00708b80); release 0.4
on PyPI is older and has neither key. Its Nanosets need datatrove with the old names of DatatroveFolderDataset (\`folder_path\`); datatrove 0.10 has
\`data_folder\`, and which release was the last to fit is not known [unknown]. The \`.ds\` bytes are the same in both.

Paths in the YAML begin with \`${at}\`: put this folder there, or export again with \`--at\`.

## Launch

Run in Nanotron's checkout${cluster.nodes > 1 ? ', once on every node, with HEAD set to the first' : ''}:

\`\`\`sh
${config.init === undefined ? '' : `# once: the start model in Nanotron's format\ntorchrun --nproc-per-node 1 examples/llama/convert_hf_to_nanotron.py --checkpoint_path ${config.init} --save_path ${path.posix.join(at, 'init-nanotron')}\n`}${plan.phases
  .filter(({ name }) => name !== 'stable-then-decay')
  .map(({ yaml }) => launch(yaml))
  .join('\n')}
\`\`\`
${plan.phases.some(({ name }) => name === 'stable-then-decay') ? `\nOr both phases as one run, without stopping between them:\n\n\`\`\`sh\n${launch('stable-then-decay.yaml')}\n\`\`\`\n` : ''}
Every decay starts from \`checkpoints/stable/<its last step>\` with \`load_lr_scheduler: false\`, so its step counter and data begin at 0, and with the
moments of the stable phase (\`load_optimizer: true\`), as \`midtrain train --phase decay\` does.

## What is in it

| file | steps | tokens |
|---|---|---|
${plan.phases.map(({ yaml, steps }) => `| \`${yaml}\` | ${steps} | ${steps * tokens} |`).join('\n')}

| dataset folder | sequences' share | shards | tokens |
|---|---|---|---|
${mixtures
  .flatMap((mixture) =>
    mixture.folders.map(
      ({ name, weight, shards, tokens: n }) =>
        `| \`data/${folders.get(mixture)}/${name}\` | ${(100 * weight).toFixed(3)} % | ${shards.length} | ${n} |`,
    ),
  )
  .join('\n')}

A step has ${plan.sequencesPerStep} sequences of ${config.sequence_length} tokens = ${tokens}: dp ${split.dp} x micro-batch ${split.microBatch} x accumulation ${split.accumulation}, with tp ${split.tp}, pp ${split.pp}
on ${cluster.nodes} x ${cluster.gpus} GPUs. Windows are of ${config.sequence_length} + 1 tokens, as the mixture wrote them, so none crosses a border of sources.

The tokenizer is \`${tokenizer}\`: every \`.ds.metadata\` names it, and Nanotron hands that name to AutoTokenizer and compares it with the YAML's.

## What is otherwise there

${plan.warnings.length === 0 ? 'Nothing that the config asks for is left out.' : plan.warnings.map((warning) => `- ${warning}`).join('\n')}
- The order of sequences is Nanotron's (shuffled by its seed); contents and shares are the mixture's.
- Weights and activations are bfloat16 with gradients summed in float32; here they are float32 [own].
- A fresh model is drawn by Nanotron's RandomInit, which scales some matrices by depth (scaling_method); ours does not [confirmed, models_config.py].

## How well the settings are known

| setting | value | standing |
|---|---|---|
${rates
  .map(
    ({ name, config: phase }) =>
      `| learning rate, ${name} | ${phase.learning_rate}${phase.decay === 'constant' ? ', constant' : `, ${phase.decay} to ${phase.learning_rate * phase.min_lr_ratio}`} | ${phase.evidence} |`,
  )
  .join('\n')}
${mixtures
  .flatMap((mixture) =>
    mixture.manifest.sources.map(
      ({ name, weight, evidence }) =>
        `| share of ${name} (${folders.get(mixture)}) | ${weight} | ${evidence} |`,
    ),
  )
  .join('\n')}
| betas ${config.optimizer.adam_beta1}, ${config.optimizer.adam_beta2}; weight decay ${config.optimizer.weight_decay}; clip ${config.optimizer.max_grad_norm} | the config's | own |
| traps of Nanotron's scheduler avoided: warm-up style and both decay keys written, no 0 / 0, constant rate as a decay to itself | all YAMLs | confirmed (helpers.py, read) |
| parallelism, 1f1b, REDUCE_SCATTER, ZeRO 1 | from --nodes, --gpus, --tp, --pp | own |

Nothing here was run on a GPU.
`;
}
