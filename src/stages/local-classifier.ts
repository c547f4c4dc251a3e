/**
 * A classifier of the Hub on this disk: a model folder that `midtrain push` sent (fastText or a head on embeddings), a checkpoint in ONNX, or one
 * fastText file of a repository (`hf://owner/name/model.bin`), each fetched into the cache.
 */
import type { EncoderDtype } from '../../classifiers/regressor/encoder-settings.ts';
import { fetchModel } from '../../classifiers/regressor/fetch-encoder.ts';
import { fetchHubPlace } from '../io/hub-place.ts';

/** Throws an `InputError` when it cannot be had or is no classifier. */
export async function localClassifier(address: string, dtype?: EncoderDtype): Promise<string> {
  if (/\.(bin|ftz)$/.test(address)) return (await fetchHubPlace(address)).place;
  return (await fetchModel(address, dtype)).folder;
}
