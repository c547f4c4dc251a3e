/** Rewriting kept documents with a language model: tokens read and written. Hours only where the description says how fast a GPU is. */
import { type PlanContext, stated } from './context.ts';
import { type Figure, given, product, secondsAnHour, sum } from './figure.ts';
import { gpuCost } from './gpu-cost.ts';
import { bytesPerToken } from './plan-mixtures.ts';

export interface RefinePlan {
  model: string;
  documents: Figure;
  read: Figure;
  written: Figure;
  gpuHours: Figure | undefined;
  wallHours: Figure | undefined;
  cost: Figure | undefined;
}

export function planRefine(
  context: PlanContext,
  kept: { documents: Figure; textBytes: Figure },
): RefinePlan | undefined {
  const { refine, nodes } = context.description;
  if (refine === undefined) return undefined;
  const share = stated(context, 'refine.share', 'share to rewrite', '', refine.share);
  const prompt = stated(
    context,
    'refine.promptTokens',
    'tokens of the instructions',
    'tokens',
    refine.promptTokens,
  );
  const ratio = stated(context, 'refine.outputRatio', 'tokens written for one read', '', refine.outputRatio);
  const documents = product('documents to rewrite', '', [kept.documents, share]);
  const text = product('tokens to rewrite', 'tokens', [kept.textBytes, share], [bytesPerToken(context)]);
  const written = product('tokens written', 'tokens', [text, ratio]);
  const read = sum('tokens read', 'tokens', [
    text,
    product('tokens of instructions', 'tokens', [documents, prompt]),
  ]);
  const plan = { model: refine.model, documents, read, written };
  if (refine.tokensPerSecondPerGpu === undefined || nodes.gpu === undefined)
    return { ...plan, gpuHours: undefined, wallHours: undefined, cost: undefined };
  const key = 'refine.tokensPerSecondPerGpu';
  const speed = stated(
    context,
    key,
    'tokens a GPU writes a second',
    'tokens/s',
    refine.tokensPerSecondPerGpu,
  );
  const { count, gpus } = nodes.gpu;
  const world = given('GPUs', count * gpus, '', 'nodes.gpu');
  const gpuHours = product('GPU hours to rewrite', 'GPU h', [written], [speed, secondsAnHour]);
  const wallHours = product('hours to rewrite', 'h', [gpuHours], [world]);
  return {
    ...plan,
    gpuHours,
    wallHours,
    cost: gpuCost(context, 'cost to rewrite', wallHours),
  };
}
