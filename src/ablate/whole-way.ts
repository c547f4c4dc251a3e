/**
 * The whole way once: pages -> filter -> mix (for either phase) -> train stable -> train decay -> GRPO. Each step is the same function its command calls, on
 * files that are written into the run folder first, so every step can be repeated by hand. A stopped way goes on where it was: finished
 * steps are recognised by their own markers.
 */
import path from 'node:path';
import { loadRecipe } from '../../mixtures/load.ts';
import type { Gpu } from '../../trainer/gpu/device.ts';
import type { GrpoConfig } from '../../trainer/grpo/config.ts';
import { type GrpoResult, grpo } from '../../trainer/grpo/grpo.ts';
import { type TrainResult, train } from '../../trainer/training/train.ts';
import type { TrainConfig } from '../../trainer/training/train-config.ts';
import type { Emit } from '../core/events.ts';
import { type FilterResult, filterCorpus } from '../jobs/filter-corpus.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import { type MixResult, mix } from '../stages/mix.ts';

export interface WholeWay {
  /** Left out: the mixture reads no filtered pages. */
  filter?: { config: FilterConfig; text: string; out: string; workers?: number };
  /** Recipe files and their output folders. The decay mixture takes the stable one's tokenizer. */
  mixtures: { stable: { recipe: string; out: string }; decay: { recipe: string; out: string } };
  train: TrainConfig;
  /** Made when the decay phase is done, since it names that phase's checkpoint. */
  grpo: (checkpoint: string) => GrpoConfig;
}

export interface StepDone {
  step: 'filter' | 'mix stable' | 'mix decay' | 'stable' | 'decay' | 'grpo';
  seconds: number;
  result: FilterResult | MixResult | TrainResult | GrpoResult;
}

export interface WholeWayOptions {
  emit: Emit;
  signal: AbortSignal;
  /** Called when a step has ended. */
  onStep: (done: StepDone) => void;
}

export interface WholeWayResult {
  runs: string[];
  filter?: FilterResult;
  mixes: { stable: MixResult; decay: MixResult };
  stable: TrainResult;
  decay: TrainResult;
  grpo: GrpoResult;
}

export async function runWholeWay(
  gpu: Gpu,
  way: WholeWay,
  options: WholeWayOptions,
): Promise<WholeWayResult> {
  const { emit, signal } = options;
  const step = async <T extends StepDone['result']>(
    name: StepDone['step'],
    work: () => Promise<T>,
  ): Promise<T> => {
    signal.throwIfAborted();
    const began = performance.now();
    const result = await work();
    options.onStep({ step: name, seconds: (performance.now() - began) / 1000, result });
    return result;
  };
  const runs: string[] = [];
  let filtered: FilterResult | undefined;
  if (way.filter) {
    const { config, text, out, workers } = way.filter;
    filtered = await step('filter', () =>
      filterCorpus(config, { out, text, emit, signal, ...(workers === undefined ? {} : { workers }) }),
    );
    runs.push(out);
  }
  const mixOnce = (name: 'stable' | 'decay', tokenizer?: string) => {
    const { recipe, out } = way.mixtures[name];
    runs.push(out);
    const folder = path.dirname(recipe);
    const request = { loaded: loadRecipe(recipe, folder), cwd: folder, output: out, emit, signal };
    return step(`mix ${name}`, () => mix({ ...request, ...(tokenizer === undefined ? {} : { tokenizer }) }));
  };
  const mixes = {
    stable: await mixOnce('stable'),
    decay: await mixOnce('decay', path.join(way.mixtures.stable.out, 'tokenizer')),
  };
  const stable = await step('stable', () => train(gpu, way.train, 'stable', { emit, signal }));
  const decay = await step('decay', () => train(gpu, way.train, 'decay', { emit, signal }));
  runs.push(stable.runFolder, decay.runFolder);
  const reinforced = await step('grpo', () => grpo(gpu, way.grpo(decay.checkpoint), { emit, signal }));
  runs.push(reinforced.runFolder);
  return { runs, ...(filtered ? { filter: filtered } : {}), mixes, stable, decay, grpo: reinforced };
}
