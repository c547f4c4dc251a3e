/**
 * The whole way once: pages -> filter -> mix -> train stable -> train decay -> GRPO. Each step is the same function its command calls, on
 * files that are written into the run folder first, so every step can be repeated by hand. A stopped way goes on where it was: finished
 * steps are recognised by their own markers.
 */
import path from 'node:path';
import { loadRecipe } from '../../mixtures/load.ts';
import type { Gpu } from '../../trainer/device.ts';
import type { GrpoConfig } from '../../trainer/grpo/config.ts';
import { type GrpoResult, grpo } from '../../trainer/grpo/grpo.ts';
import { type TrainResult, train } from '../../trainer/train.ts';
import type { TrainConfig } from '../../trainer/train-config.ts';
import type { Emit } from '../core/events.ts';
import { type FilterResult, filterCorpus } from '../jobs/filter-corpus.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import { type MixResult, mix } from '../stages/mix.ts';

export interface WholeWay {
  /** Left out: the mixture reads no filtered pages. */
  filter?: { config: FilterConfig; text: string; out: string; workers?: number };
  mixture: { recipe: string; out: string; qaRatio?: number };
  train: TrainConfig;
  /** Made when the decay phase is done, since it names that phase's checkpoint. */
  grpo: (checkpoint: string) => GrpoConfig;
}

export interface StepDone {
  step: 'filter' | 'mix' | 'stable' | 'decay' | 'grpo';
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
  mix: MixResult;
  stable: TrainResult;
  decay: TrainResult;
  grpo: GrpoResult;
}

export async function runWholeWay(gpu: Gpu, way: WholeWay, options: WholeWayOptions): Promise<WholeWayResult> {
  const { emit, signal } = options;
  const step = async <T extends StepDone['result']>(name: StepDone['step'], work: () => Promise<T>): Promise<T> => {
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
    filtered = await step('filter', () => filterCorpus(config, { out, text, emit, signal, ...(workers === undefined ? {} : { workers }) }));
    runs.push(out);
  }
  const { recipe, out, qaRatio } = way.mixture;
  const mixed = await step('mix', () =>
    mix({ loaded: loadRecipe(recipe, path.dirname(recipe)), cwd: path.dirname(recipe), output: out, emit, signal, ...(qaRatio === undefined ? {} : { ratios: { qa: qaRatio } }) }),
  );
  runs.push(out);
  const stable = await step('stable', () => train(gpu, way.train, 'stable', { emit, signal }));
  const decay = await step('decay', () => train(gpu, way.train, 'decay', { emit, signal }));
  runs.push(stable.runFolder, decay.runFolder);
  const reinforced = await step('grpo', () => grpo(gpu, way.grpo(decay.checkpoint), { emit, signal }));
  runs.push(reinforced.runFolder);
  return { runs, ...(filtered ? { filter: filtered } : {}), mix: mixed, stable, decay, grpo: reinforced };
}
