/**
 * From a training config and its mixtures to what Nanotron reads: folders of shards, one YAML for the stable phase, one for every decay from its
 * checkpoint, and, where the rates allow, one for both phases in one run. Pure; write-export.ts carries it out.
 *
 * Written for Nanotron's main branch as read in 2025 (config.py at 00708b80): `data_stages` and `optimizer_factory`. Release 0.4 on PyPI
 * is older and has neither. Facts and traps: recipe 7.4 and 7.5.
 */
import path from 'node:path';
import type { PhaseConfig, TrainConfig } from '../../trainer/training/train-config.ts';
import { UserError } from '../core/errors.ts';
import { nanotronModel } from './nanotron-model.ts';
import { nanotronReadme } from './nanotron-readme.ts';
import type { NanotronPlan, NanotronRequest } from './nanotron-request.ts';
import { type NanotronRates, nanotronRates, ratesYaml } from './nanotron-schedule.ts';
import { float, pythonYaml, type Yaml } from './python-yaml.ts';
import type { ExportMixture } from './read-mixture.ts';
import { type BatchSplit, splitBatch } from './split-batch.ts';

interface ExportPhase {
  name: string;
  config: PhaseConfig;
  steps: number;
  mixture: ExportMixture;
  rates: NanotronRates;
}

export function planNanotron(request: NanotronRequest): NanotronPlan {
  const { config, cluster, at } = request;
  const sequencesPerStep = config.micro_batch_size * config.gradient_accumulation_steps;
  const split = splitBatch(sequencesPerStep, config.micro_batch_size, cluster);
  const model = nanotronModel(request.model, {
    tp: cluster.tp,
    zLoss: config.z_loss,
    sequenceLength: config.sequence_length,
    initializerRange: config.model?.initializer_range ?? 0.02,
  });
  const stable = config.stable && phaseOf(request, 'stable', config.stable, sequencesPerStep);
  const decays = [
    ...(config.decay ? [phaseOf(request, 'decay', config.decay, sequencesPerStep)] : []),
    ...Object.entries(config.branches ?? {}).map(([name, branch]) =>
      phaseOf(request, `decay-${name}`, branch, sequencesPerStep),
    ),
  ];
  const phases = [...(stable ? [stable] : []), ...decays];
  if (phases.length === 0)
    throw new UserError('the config has no phase to export', {
      hint: 'add `stable:`, `decay:` or `branches:`',
    });
  const mixtures = [...new Set(phases.map(({ mixture }) => mixture))];
  const folders = namesOf(mixtures);
  const tokenizer = request.tokenizer ?? path.posix.join(at, 'tokenizer');
  const warnings = [...model.warnings, ...warningsOn(config, phases, sequencesPerStep)];
  const shared = { request, split, model: model.config, tokenizer, folders };
  const texts: { path: string; text: string }[] = [];
  const listed: NanotronPlan['phases'] = [];
  const add = (name: string, steps: number, yaml: Record<string, Yaml>): void => {
    texts.push({ path: `${name}.yaml`, text: pythonYaml(yaml) });
    listed.push({ name, steps, yaml: `${name}.yaml` });
  };
  if (stable) add('stable', stable.steps, yamlOf(shared, stable, { stages: [stageOf(shared, stable, 1)] }));
  for (const decay of decays) {
    const resume = stable && path.posix.join(at, 'checkpoints', 'stable', String(stable.steps));
    add(decay.name, decay.steps, yamlOf(shared, decay, { stages: [stageOf(shared, decay, 1)], resume }));
  }
  const one = stable && config.decay ? oneRun(stable, decays[0]!) : undefined;
  if (typeof one === 'object')
    add(
      'stable-then-decay',
      one.steps,
      yamlOf(shared, one, {
        stages: [stageOf(shared, stable!, 1), stageOf(shared, decays[0]!, stable!.steps + 1)],
      }),
    );
  else if (one !== undefined) warnings.push(one);
  const files = mixtures.flatMap((mixture) => shardFiles(mixture, folders.get(mixture)!));
  for (const mixture of mixtures) texts.push(...metadataTexts(mixture, folders.get(mixture)!, tokenizer));
  const plan = { kind: 'nanotron' as const, files, warnings, split, sequencesPerStep, phases: listed };
  texts.push({
    path: 'README.md',
    text: nanotronReadme({ request, plan, rates: phases, tokenizer, mixtures, folders }),
  });
  return { ...plan, texts };
}

function phaseOf(
  { config, mixtures, defaultData }: NanotronRequest,
  name: string,
  phase: PhaseConfig,
  sequencesPerStep: number,
): ExportPhase {
  const tokens = sequencesPerStep * config.sequence_length;
  if ((phase.steps === undefined) === (phase.tokens === undefined))
    throw new UserError(`${name}: give either steps or tokens`, {
      hint: `a step of this config has ${tokens} tokens`,
    });
  const steps = phase.steps ?? Math.ceil(phase.tokens! / tokens);
  const folder = phase.data ?? config.data ?? defaultData;
  const mixture = folder === undefined ? undefined : mixtures.get(folder);
  if (mixture === undefined)
    throw new UserError(`${name}: no data`, {
      hint: 'name the mixture in the config or on the command line',
    });
  const { manifest } = mixture;
  if (manifest.sequenceLength !== config.sequence_length)
    throw new UserError(
      `${name}: ${mixture.path} was mixed for sequences of ${manifest.sequenceLength} tokens, the config has sequence_length ${config.sequence_length}`,
      { hint: 'Nanotron would cut its windows elsewhere, across sources: mix again with this length' },
    );
  return { name, config: phase, steps, mixture, rates: nanotronRates(phase, steps) };
}

/** Both phases as one run, or why they cannot be. */
function oneRun(stable: ExportPhase, decay: ExportPhase): ExportPhase | string {
  const no = (why: string): string =>
    `no stable-then-decay.yaml: ${why}; run stable.yaml and then decay.yaml`;
  if (stable.config.decay !== 'constant') return no('the stable phase does not hold its rate');
  if (stable.config.learning_rate !== decay.config.learning_rate)
    return no(
      `the decay begins at ${decay.config.learning_rate}, the stable phase is at ${stable.config.learning_rate}, and one Nanotron run has one peak`,
    );
  if (decay.config.warmup_steps > 0) return no('the decay phase warms up again');
  const { lr_warmup_steps, lr_warmup_style } = stable.rates;
  return {
    name: 'stable-then-decay',
    config: stable.config,
    steps: stable.steps + decay.steps,
    mixture: stable.mixture,
    rates: { ...nanotronRates(decay.config, decay.steps, stable.steps), lr_warmup_steps, lr_warmup_style },
  };
}

interface Shared {
  request: NanotronRequest;
  split: BatchSplit;
  model: Yaml;
  tokenizer: string;
  folders: ReadonlyMap<ExportMixture, string>;
}

function stageOf({ request, folders }: Shared, phase: ExportPhase, start: number): Yaml {
  const { mixture } = phase;
  return {
    name: phase.name,
    start_training_step: start,
    data: {
      dataset: {
        dataset_folder: mixture.folders.map(({ name }) =>
          path.posix.join(request.at, 'data', folders.get(mixture)!, name),
        ),
        dataset_weights: mixture.folders.map(({ weight }) => float(weight)),
        token_size_in_bytes: mixture.folders[0]!.tokenBytes,
        vocab_size: mixture.manifest.tokenizer.vocabSize,
      },
      num_loading_workers: 0,
      seed: request.config.seed,
    },
  };
}

function yamlOf(
  { request, split, model, tokenizer }: Shared,
  phase: ExportPhase,
  { stages, resume }: { stages: Yaml[]; resume?: string | undefined },
): Record<string, Yaml> {
  const { config, at } = request;
  const init = config.init === undefined ? undefined : path.posix.join(at, 'init-nanotron');
  const { optimizer } = config;
  return {
    general: {
      project: config.name,
      run: `${config.name}-${phase.name}`,
      seed: config.seed,
      ignore_sanity_checks: true,
    },
    checkpoints: {
      checkpoints_path: path.posix.join(at, 'checkpoints', phase.name),
      checkpoint_interval: config.checkpoint_every,
      checkpoints_path_is_shared_file_system: true,
      resume_checkpoint_path: resume ?? null,
      load_lr_scheduler: resume === undefined,
      load_optimizer: true,
      save_initial_state: false,
      save_final_state: true,
    },
    data_stages: stages,
    logging: { log_level: 'info', log_level_replica: 'info', iteration_step_info_interval: 1 },
    model: {
      ddp_bucket_cap_mb: 25,
      dtype: 'bfloat16',
      init_method:
        init === undefined ? { std: float(config.model?.initializer_range ?? 0.02) } : { path: init },
      make_vocab_size_divisible_by: 1,
      model_config: model,
    },
    optimizer: {
      optimizer_factory: {
        name: 'adamW',
        adam_beta1: float(optimizer.adam_beta1),
        adam_beta2: float(optimizer.adam_beta2),
        adam_eps: float(optimizer.adam_epsilon),
        torch_adam_is_fused: true,
      },
      learning_rate_scheduler: ratesYaml(phase.rates),
      weight_decay: float(optimizer.weight_decay),
      // As here: norms and biases are not decayed.
      weight_decay_exclude_named_params: ['.*norm.*', '.*bias.*'],
      clip_grad: float(optimizer.max_grad_norm),
      accumulate_grad_in_fp32: true,
      zero_stage: split.dp > 1 ? 1 : 0,
    },
    parallelism: {
      dp: split.dp,
      tp: split.tp,
      pp: split.pp,
      expert_parallel_size: 1,
      pp_engine: '1f1b',
      tp_mode: 'REDUCE_SCATTER',
      tp_linear_async_communication: true,
    },
    tokenizer: { tokenizer_name_or_path: tokenizer, tokenizer_max_length: null, tokenizer_revision: null },
    tokens: {
      sequence_length: config.sequence_length,
      micro_batch_size: split.microBatch,
      batch_accumulation_per_replica: split.accumulation,
      train_steps: phase.steps,
      val_check_interval: -1,
      limit_val_batches: 0,
      limit_test_batches: 0,
    },
  };
}

/** A folder name of its own for each mixture. */
function namesOf(mixtures: readonly ExportMixture[]): Map<ExportMixture, string> {
  const names = new Map<ExportMixture, string>();
  for (const mixture of mixtures) {
    const base = path.basename(path.resolve(mixture.path)).replace(/[^\w.-]/g, '-');
    let name = base;
    for (let n = 2; [...names.values()].includes(name); n++) name = `${base}-${n}`;
    names.set(mixture, name);
  }
  return names;
}

function shardFiles(mixture: ExportMixture, name: string): { from: string; to: string }[] {
  return mixture.folders.flatMap((folder) =>
    folder.shards.flatMap((shard) =>
      ['', '.index', ...(folder.masked ? ['.loss'] : [])].map((suffix) => ({
        from: path.join(folder.folder, shard + suffix),
        to: path.posix.join('data', name, folder.name, shard + suffix),
      })),
    ),
  );
}

/** `.metadata` names the tokenizer that Nanotron loads and compares; ours names it by its content. */
function metadataTexts(
  mixture: ExportMixture,
  name: string,
  tokenizer: string,
): { path: string; text: string }[] {
  if (/[\n|]/.test(tokenizer))
    throw new UserError(`the tokenizer's name ${JSON.stringify(tokenizer)} holds a line break or "|"`);
  return mixture.folders.flatMap((folder) =>
    folder.metadata.map(({ shard, tokens, bytes, count }) => ({
      path: path.posix.join('data', name, folder.name, `${shard}.metadata`),
      text: `${tokenizer}|${bytes}\n${tokens}\n${count}`,
    })),
  );
}

function warningsOn(config: TrainConfig, phases: readonly ExportPhase[], perStep: number): string[] {
  const warnings: string[] = [];
  const say = (when: boolean, text: string): void => void (when && warnings.push(text));
  for (const { name, steps, mixture } of phases) {
    const passes = (steps * perStep) / mixture.manifest.sequences;
    say(
      passes > 1,
      `${name}: ${steps} steps read ${steps * perStep} sequences and ${mixture.path} has ${mixture.manifest.sequences}: ${passes.toFixed(2)} passes`,
    );
    say(
      mixture.folders.some(({ masked }) => masked),
      `${name}: ${mixture.path} has .ds.loss (padding or prompts without loss); Nanotron's Nanoset does not read it and trains on those tokens`,
    );
    say(
      !mixture.perSource && mixture.manifest.sources.length > 1,
      `${name}: ${mixture.path} has no per-source/, so its shards are one dataset, drawn in a shuffled order: shares hold over a pass, not step by step; mix with --per-source for Nanotron's own weighting`,
    );
  }
  say(
    config.document_mask,
    'document_mask: tokens see earlier documents of their window in Nanotron (its Llama has no such mask; its Qwen2 has _use_doc_masking, not set here)',
  );
  say(config.optimizer.max_grad_norm_z > 0, 'optimizer.max_grad_norm_z: Nanotron skips no steps');
  say(config.samples !== undefined, 'samples: Nanotron draws no texts while it trains');
  say(config.keep_checkpoints !== null, 'keep_checkpoints: Nanotron keeps every checkpoint; mind the disk');
  say(
    phases.some(({ config: { warmup_steps } }) => warmup_steps > 0),
    "the warm-up runs one step late: Nanotron's step 0 has rate 0, ours 1/warmup of the peak",
  );
  return warnings;
}
