/** Trains fastText on a file of lines and writes its weights. */
import { trainFastText } from '../../classifiers/fasttext/train-fasttext.ts';
import { writeFastText } from '../../classifiers/fasttext/write-fasttext.ts';
import type { TrainClassifierRequest } from './classify-train-request.ts';

export async function trainFastTextModel(
  lines: string,
  weights: string,
  { settings, split, emit, signal }: Pick<TrainClassifierRequest, 'settings' | 'split' | 'emit' | 'signal'>,
): Promise<{ settings: Record<string, unknown>; result: Record<string, number> }> {
  const started = performance.now();
  emit({ kind: 'start', task: 'train', unit: 'tokens' });
  const trained = await trainFastText(
    { files: [lines] },
    { seed: split.seed, ...settings },
    {
      ...(signal === undefined ? {} : { signal }),
      onProgress: ({ progress, tokens, lr, loss }) =>
        emit({
          kind: 'progress',
          task: 'train',
          done: tokens,
          ...(progress > 0 ? { total: Math.round(tokens / progress) } : {}),
          unit: 'tokens',
          numbers: { loss, lr },
        }),
    },
  );
  await writeFastText(weights, trained);
  const seconds = (performance.now() - started) / 1000;
  const { options, tokens, loss, examples, data } = trained;
  const done = tokens * options.epoch;
  emit({ kind: 'end', task: 'train', done, unit: 'tokens', seconds, numbers: { loss } });
  return {
    settings: { ...options },
    result: { loss, tokens, examples, words: data.words, labels: data.labels },
  };
}
