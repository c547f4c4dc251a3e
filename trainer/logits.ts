/** Logits of every position of one sequence, for parity checks and scripts. Small inputs only: (length, vocab) is held at once. */
import { ropeFrequencies, ropeTable } from '../kernels/rope/reference.ts';
import type { Gpu } from './device.ts';
import { Executable } from './executable.ts';
import { recordForward } from './model/decoder.ts';
import { recordLinear } from './model/linear.ts';
import type { ModelWeights } from './model/weights.ts';
import { PlanBuilder } from './plan.ts';

/** Returns (tokens.length, vocabSize) f32, row-major. */
export async function computeLogits(
  gpu: Gpu,
  weights: ModelWeights,
  tokens: readonly number[],
): Promise<Float32Array> {
  const { config } = weights;
  const rows = tokens.length;
  const builder = new PlanBuilder();
  const declared = weights.declare(builder);
  const input = (name: string) => builder.tensor(name, rows, 'persistent', 'u32');
  const batch = { tokens: input('tokens'), positions: input('positions'), kvStart: input('kvStart') };
  const constants = {
    rope: builder.tensor('rope', rows * config.headDim, 'persistent'),
    nothing: builder.tensor('nothing', 4, 'persistent'),
  };
  const logits = builder.tensor('logits', rows * config.vocabSize, 'persistent');
  builder.program('forward');
  const { hidden } = recordForward(
    builder,
    { config, batch: 1, seq: rows },
    declared.blocks,
    batch,
    constants,
  );
  const w = declared.blocks.get(config.tiedHead ? 'embedding' : 'head')!;
  recordLinear(builder, constants, {
    x: hidden,
    w,
    y: logits,
    rows,
    inputs: config.dim,
    outputs: config.vocabSize,
  });
  const executable = await Executable.create(gpu, builder.finish(), declared.external);
  executable.write(batch.tokens, Uint32Array.from(tokens));
  executable.write(
    batch.positions,
    Uint32Array.from({ length: rows }, (_, i) => i),
  );
  executable.write(batch.kvStart, new Uint32Array(rows));
  executable.write(constants.rope, ropeTable(rows, ropeFrequencies(config.headDim, config.ropeTheta)));
  executable.run('forward');
  const result = new Float32Array(await executable.read(logits));
  executable.destroy();
  return result;
}
