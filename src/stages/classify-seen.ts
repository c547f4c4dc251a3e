/** What a classifier was trained on, as the evaluation of it needs to know: the hashes of its texts, and its sources. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFiles } from '../../classifiers/model-folder.ts';
import { firstIndex } from '../core/first-index.ts';
import { hash64, initHash64 } from '../core/hash64.ts';
import { readJsonFile } from '../io/json-file.ts';

export interface TrainedOn {
  /** Whether a prepared text was in the training set. */
  saw(line: string): boolean;
  /** Whether documents of a source were; false of all sources for a model without a record. */
  knows(source: string): boolean;
  /** False for a model without a training record. */
  recorded: boolean;
}

export const trainedOnNothing: TrainedOn = { saw: () => false, knows: () => false, recorded: false };

/** Of a model folder. Without `training.json` (a folder made by hand) nothing is known. */
export async function readTrainedOn(folder: string): Promise<TrainedOn> {
  const record = (await readJsonFile(join(folder, modelFiles.training)).catch(() => undefined)) as
    | { data?: { sources?: unknown } }
    | undefined;
  if (record === undefined) return trainedOnNothing;
  await initHash64();
  const known = new Set(Array.isArray(record.data?.sources) ? record.data.sources.map(String) : []);
  const bytes = await readFile(join(folder, modelFiles.seen)).catch(() => Buffer.alloc(0));
  const whole = new Uint8Array(bytes.subarray(0, bytes.length - (bytes.length % 8)));
  const seen = new BigUint64Array(whole.buffer);
  return {
    saw: (line) => holds(seen, hash64(Buffer.from(line))),
    knows: (source) => known.has(source),
    recorded: true,
  };
}

/** Whether a sorted array holds a value. */
function holds(sorted: BigUint64Array, value: bigint): boolean {
  return sorted[firstIndex(sorted.length, (at) => sorted[at]! >= value)] === value;
}
