/** A model that others trained, through our converter and kernels: logits, losses and greedy text as llama2.c computes them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertLlama2c } from '../../trainer/convert/convert-llama2c.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { computeLogits } from '../../trainer/learner/logits.ts';
import { adamWDefaults } from '../../trainer/learner/optimizer.ts';
import { loadModel } from '../../trainer/model/folder.ts';
import type { ModelWeights } from '../../trainer/model/weights.ts';
import { Sampler } from '../../trainer/sampler/sampler.ts';

const source = path.resolve(import.meta.dirname, '../../../shared/data/models/stories260K');
interface Golden {
  cases: { text: string; tokens: number[]; token_nll: number[]; mean_nll: number; logits_last: number[] }[];
  greedy: { tokens: number[]; text: string };
}

describe.skipIf(!existsSync(source))(
  'stories260K (skipped without ../shared/data/models/stories260K)',
  () => {
    const golden = existsSync(source)
      ? (JSON.parse(readFileSync(path.join(source, 'golden.json'), 'utf8')) as Golden)
      : undefined;
    const folder = mkdtempSync(path.join(tmpdir(), 'stories-'));
    let gpu: Gpu;
    let model: ModelWeights;
    beforeAll(async () => {
      gpu = await openDevice();
      await convertLlama2c(path.join(source, 'stories260K.bin'), path.join(source, 'tok512.bin'), folder);
      model = await loadModel(gpu, folder);
    });
    afterAll(async () => {
      await gpu.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('gives the logits of the last position within 1e-3', async () => {
      for (const { tokens, logits_last } of golden!.cases) {
        const logits = (await computeLogits(gpu, model, tokens)).slice(-model.config.vocabSize);
        const worst = Math.max(...logits_last.map((expected, i) => Math.abs(expected - logits[i]!)));
        expect(logits_last).toHaveLength(512);
        expect(worst).toBeLessThan(1e-3);
      }
    });

    it('gives the loss of every token within 1e-3', async () => {
      const seq = 64;
      const learner = await Learner.create(gpu, model, {
        config: model.config,
        batch: 1,
        seq,
        logitsBytes: 1 << 24,
        temperature: 1,
        optimizer: adamWDefaults,
      });
      for (const { tokens, token_nll, mean_nll } of golden!.cases) {
        const n = tokens.length - 1;
        expect(n).toBeLessThanOrEqual(seq);
        const pad = (values: number[]) => Uint32Array.from({ length: seq }, (_, i) => values[i] ?? 0);
        const stats = await learner.evaluate({
          tokens: pad(tokens.slice(0, n)),
          targets: pad(tokens.slice(1)),
          positions: Uint32Array.from({ length: seq }, (_, i) => i),
          kvStart: new Uint32Array(seq),
        });
        const nll = Array.from({ length: n }, (_, i) => -stats[i * 4]!);
        expect(Math.max(...token_nll.map((expected, i) => Math.abs(expected - nll[i]!)))).toBeLessThan(1e-3);
        expect(nll.reduce((a, b) => a + b, 0) / n).toBeCloseTo(mean_nll, 3);
      }
      learner.destroy();
    });

    it('writes the same 199 greedy tokens', async () => {
      const sampler = await Sampler.create(gpu, model, {
        config: model.config,
        promptLength: 8,
        slots: 1,
        responseLength: 199,
        temperature: 0,
        eosId: 2,
      });
      const [sample] = await sampler.generate([[1]], [{ prompt: 0, seed: 0 }], { maxTokens: 199 });
      expect([1, ...sample!.tokens]).toEqual(golden!.greedy.tokens);
      sampler.destroy();
    });
  },
);
