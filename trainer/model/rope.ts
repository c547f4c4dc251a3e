/** The rotary table of a model: the angles of config.json's rope settings, scaled contexts included, as cos and sin by position. */
import { ropeFrequencies, ropeTable } from '../../kernels/rope/reference.ts';
import type { ModelConfig, RopeScaling } from './config.ts';

/** (positions, headDim / 2, 2) f32: cos and sin of every position and frequency. */
export function ropeTableOf(config: ModelConfig, positions: number): Float32Array {
  return ropeTable(
    positions,
    scaleFrequencies(ropeFrequencies(config.headDim, config.ropeTheta), config.ropeScaling),
  );
}

/**
 * Frequencies of a longer context than the model was first trained on. `linear` divides them all (position interpolation, Chen et al.
 * 2023); `llama3` divides those whose wavelength is beyond `originalPositions / lowFreqFactor`, keeps those below
 * `originalPositions / highFreqFactor`, and goes over smoothly between (transformers, `_compute_llama3_parameters`).
 */
export function scaleFrequencies(frequencies: Float64Array, scaling: RopeScaling | undefined): Float64Array {
  if (scaling === undefined) return frequencies;
  const { factor } = scaling;
  if (scaling.type === 'linear') return frequencies.map((f) => f / factor);
  const { lowFreqFactor: low, highFreqFactor: high, originalPositions } = scaling;
  return frequencies.map((f) => {
    const turns = (originalPositions * f) / (2 * Math.PI);
    if (turns < low) return f / factor;
    if (turns > high) return f;
    const smooth = (turns - low) / (high - low);
    return (1 - smooth) * (f / factor) + smooth * f;
  });
}
