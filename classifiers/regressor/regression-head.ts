/**
 * What turns an embedding into a score: a linear map, or one hidden layer with tanh before it (the pooler and classifier that
 * FineWeb-Edu's training leaves unfrozen). Weights are f32, as they are stored; sums are in double precision, in order, so a head gives the
 * same score everywhere.
 */
import { InputError, invariant } from '../../src/core/errors.ts';
import { listTensors, readTensor } from '../../src/io/safetensors.ts';
import { writeSafetensors } from '../../src/io/write-safetensors.ts';

export interface RegressionHead {
  /** Values of an embedding. */
  readonly dimensions: number;
  /** Width of the hidden layer; 0: linear. */
  readonly hidden: number;
  /** hidden x dimensions; empty for a linear head. */
  readonly denseWeight: Float32Array;
  /** hidden. */
  readonly denseBias: Float32Array;
  /** hidden, or dimensions for a linear head. */
  readonly weight: Float32Array;
  /** One value. */
  readonly bias: Float32Array;
}

/** The score of the embedding that begins at `at`. */
export function headScore(head: RegressionHead, embeddings: Float32Array, at = 0): number {
  const { dimensions, hidden, weight, bias, denseWeight, denseBias } = head;
  let sum = bias[0]!;
  if (hidden === 0) {
    for (let d = 0; d < dimensions; d++) sum += weight[d]! * embeddings[at + d]!;
    return sum;
  }
  for (let h = 0; h < hidden; h++) {
    let unit = denseBias[h]!;
    const row = h * dimensions;
    for (let d = 0; d < dimensions; d++) unit += denseWeight[row + d]! * embeddings[at + d]!;
    sum += weight[h]! * Math.tanh(unit);
  }
  return sum;
}

/** Scores of all rows of `embeddings` (rows x dimensions). */
export function headScores(head: RegressionHead, embeddings: Float32Array): Float64Array {
  const scores = new Float64Array(embeddings.length / head.dimensions);
  for (let row = 0; row < scores.length; row++)
    scores[row] = headScore(head, embeddings, row * head.dimensions);
  return scores;
}

/** A linear head from double-precision weights, rounded to f32. */
export function linearHead(weight: ArrayLike<number>, bias: number): RegressionHead {
  return {
    dimensions: weight.length,
    hidden: 0,
    denseWeight: new Float32Array(0),
    denseBias: new Float32Array(0),
    weight: Float32Array.from(weight),
    bias: Float32Array.of(bias),
  };
}

const linearNames = { weight: 'classifier.weight', bias: 'classifier.bias' } as const;
const denseNames = { denseWeight: 'dense.weight', denseBias: 'dense.bias' } as const;

/** Writes head.safetensors: `classifier.weight` (1 x n) and `.bias` (1), with a hidden layer `dense.weight` (n x dimensions) and `.bias` (n). */
export async function writeHead(file: string, head: RegressionHead): Promise<void> {
  const { dimensions, hidden } = head;
  const values = new Map<string, Float32Array>([
    [linearNames.weight, head.weight],
    [linearNames.bias, head.bias],
    [denseNames.denseWeight, head.denseWeight],
    [denseNames.denseBias, head.denseBias],
  ]);
  await writeSafetensors(
    file,
    [
      ...(hidden === 0
        ? []
        : [
            { name: denseNames.denseWeight, shape: [hidden, dimensions] },
            { name: denseNames.denseBias, shape: [hidden] },
          ]),
      { name: linearNames.weight, shape: [1, hidden === 0 ? dimensions : hidden] },
      { name: linearNames.bias, shape: [1] },
    ],
    async (name, first, size) => values.get(name)!.subarray(first, first + size),
  );
}

/** Reads what `writeHead` wrote. Throws an `InputError` for other tensors or shapes. */
export async function readHead(folder: string, name = 'head'): Promise<RegressionHead> {
  const tensors = new Map((await listTensors(folder, name)).map((tensor) => [tensor.name, tensor]));
  const read = async (tensor: string, ...shape: (number | undefined)[]): Promise<Float32Array> => {
    const info = tensors.get(tensor);
    const fits =
      info?.shape.length === shape.length && shape.every((n, i) => n === undefined || n === info.shape[i]);
    if (info === undefined || !fits) {
      throw new InputError(
        folder,
        `${name}.safetensors is no regression head: ${tensor} ${info === undefined ? 'is missing' : `has the shape ${info.shape.join(' x ')}`}`,
        {
          hint: 'give a folder that "midtrain classify train" wrote for a regressor',
        },
      );
    }
    return readTensor(info);
  };
  const weight = await read(linearNames.weight, 1, undefined);
  const bias = await read(linearNames.bias, 1);
  if (!tensors.has(denseNames.denseWeight)) return { ...linearHead(weight, 0), bias };
  const hidden = weight.length;
  const denseWeight = await read(denseNames.denseWeight, hidden, undefined);
  const denseBias = await read(denseNames.denseBias, hidden);
  invariant(denseWeight.length % hidden === 0, 'a matrix has whole rows');
  return { dimensions: denseWeight.length / hidden, hidden, denseWeight, denseBias, weight, bias };
}
