/** What a description names that lies in files: the model and the recipes of its phases. Reads; writes nothing. */
import { estimateRun } from '../../mixtures/estimate.ts';
import { loadRecipe } from '../../mixtures/load.ts';
import { configNamed, modelNamed } from '../../trainer/model/model-shapes.ts';
import { planMix } from '../stages/prepare-mix.ts';
import type { ClusterDescription } from './cluster-config.ts';
import type { Resolved } from './context.ts';

/** `cwd`: what paths of the description are relative to. Throws a `UserError` for a model or recipe that is not there. */
export async function resolveDescription(
  description: ClusterDescription,
  file: string,
  cwd: string,
): Promise<Resolved> {
  const { training } = description;
  if (training === undefined) return { file, model: undefined, mixtures: new Map() };
  const model = {
    shape: await modelNamed(training.model),
    config: await configNamed(training.model),
  };
  const mixtures: Map<string, { plan: MixturePlanOf; estimate: ReturnType<typeof estimateRun> }> = new Map();
  for (const { name, recipe, tokens } of training.phases) {
    if (recipe === undefined) continue;
    const { plan } = await planMix({
      loaded: loadRecipe(recipe, cwd),
      cwd,
      output: cwd,
      options: { budget: tokens.value, sequenceLength: training.sequenceLength },
    });
    const estimate = estimateRun({
      plan,
      batchTokens: training.batchTokens.value,
      vocabSize: model.shape.vocabSize,
      model: model.shape,
      flopsPerSecond: undefined,
    });
    mixtures.set(name, { plan, estimate });
  }
  return { file, model, mixtures };
}

type MixturePlanOf = Awaited<ReturnType<typeof planMix>>['plan'];
