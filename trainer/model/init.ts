/**
 * Starting weights: normal with standard deviation 0.02, projections back into the residual stream divided by sqrt(2 * layers) (GPT-2),
 * norm weights 1 (0 where they are stored as differences from 1), biases 0. Each tensor draws from its own seed, so a parameter's start does not depend on the others.
 */
import { Random } from '../../src/core/random.ts';
import type { ModelConfig } from './config.ts';
import { parameterBlocks } from './parameters.ts';

/** Values by Hugging Face name. */
export function initialWeights(config: ModelConfig, seed: number, std = 0.02): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const { parts } of parameterBlocks(config)) {
    for (const { name, shape } of parts) {
      const size = shape.reduce((a, b) => a * b, 1);
      const values = new Float32Array(size);
      if (shape.length === 1) values.fill(name.endsWith('.bias') || config.normOffset ? 0 : 1);
      else {
        const random = new Random(`${seed}/${name}`);
        const scale = /o_proj|down_proj/.test(name) ? std / Math.sqrt(2 * config.layers) : std;
        for (let i = 0; i < size; i++) values[i] = random.normal() * scale;
      }
      weights.set(name, values);
    }
  }
  return weights;
}
