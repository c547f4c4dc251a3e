/** Logits of every position of one sequence, for parity checks and scripts. Small inputs only: (length, vocab) is held at once. */
import { capLogit } from '../../kernels/cross-entropy/reference.ts';
import type { Gpu } from '../gpu/device.ts';
import { Executable } from '../gpu/executable.ts';
import { attendWithin, recordForward } from '../model/decoder.ts';
import { recordLogits } from '../model/head.ts';
import { vocabularyParts } from '../model/parameters.ts';
import { ropeTableOf } from '../model/rope.ts';
import type { ModelWeights } from '../model/weights.ts';
import { PlanBuilder, type Tensor } from '../plan/plan.ts';

/** Returns (tokens.length, vocabSize) f32, row-major. */
export async function computeLogits(
  gpu: Gpu,
  weights: ModelWeights,
  tokens: readonly number[],
): Promise<Float32Array> {
  const { config } = weights;
  const rows = tokens.length;
  const builder = new PlanBuilder();
  const buffers = new Map<Tensor, GPUBuffer>();
  const { blocks } = weights.declare(builder, buffers);
  const input = (name: string) => builder.tensor(name, rows, 'persistent', 'u32');
  const batch = { tokens: input('tokens'), positions: input('positions'), kvStart: input('kvStart') };
  const constants = {
    rope: builder.tensor('rope', rows * config.headDim, 'persistent'),
    nothing: builder.tensor('nothing', 4, 'persistent'),
  };
  const logits = builder.tensor('logits', rows * config.vocabSize, 'persistent');
  builder.program('forward');
  const shape = { config, batch: 1, seq: rows };
  const attend = attendWithin(builder, shape, batch);
  const { hidden } = recordForward({ builder, shape, weights: blocks, batch, constants, attend }, false);
  const w = vocabularyParts(blocks, config.tiedHead ? 'embedding' : 'head', config.dim);
  recordLogits(builder, { w, nothing: constants.nothing }, config, { x: hidden, y: logits, rows });
  const executable = await Executable.create(gpu, builder.finish(), buffers);
  executable.write(batch.tokens, Uint32Array.from(tokens));
  executable.write(
    batch.positions,
    Uint32Array.from({ length: rows }, (_, i) => i),
  );
  executable.write(batch.kvStart, new Uint32Array(rows));
  executable.write(constants.rope, ropeTableOf(config, rows));
  executable.run('forward');
  const result = new Float32Array(await executable.read(logits));
  executable.destroy();
  const { logitSoftcap } = config;
  return logitSoftcap === undefined ? result : result.map((x) => capLogit(x, logitSoftcap).value);
}
