/**
 * A checkpoint folder is transformers' too: from what is saved here, AutoModelForCausalLM and AutoTokenizer generate the greedy text that `midtrain
 * generate` does. The texts are transformers' own, written by test/oracles/greedy-texts.ts from folders saved by this project; where
 * MIDTRAIN_PEER_PYTHON names a Python with transformers, it generates them again from today's folders.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { generate } from '../../trainer/sampler/generate.ts';
import { families, greedyPrompts, greedyTokens, writeGreedyFolder } from './greedy-folders.ts';

const golden = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../fixtures/greedy-texts.json'), 'utf8'),
) as { prompts: string[]; newTokens: number; texts: Record<string, string[]> };
const peer = process.env.MIDTRAIN_PEER_PYTHON;

let gpu: Gpu;
let scratch: string;
beforeAll(async () => {
  gpu = await openDevice();
  scratch = mkdtempSync(path.join(tmpdir(), 'greedy-'));
});
afterAll(async () => {
  await gpu.close();
  rmSync(scratch, { recursive: true });
});

it('has texts of transformers for every family, and they are not all alike', () => {
  expect(Object.keys(golden.texts).sort()).toEqual(families);
  expect(golden.prompts).toEqual(greedyPrompts);
  const all = Object.values(golden.texts).flat();
  expect(new Set(all).size).toBeGreaterThan(families.length);
});

describe.each(families)('%s', (family) => {
  const folder = (): string => path.join(scratch, family);

  it('writes the greedy text of transformers', async () => {
    await writeGreedyFolder(gpu, family, folder());
    const ours: string[] = [];
    for (const prompt of greedyPrompts) {
      const [sample] = await generate(gpu, folder(), {
        prompt,
        samples: 1,
        seed: 0,
        maxTokens: greedyTokens,
        sampling: { temperature: 0, top_k: 0, top_p: 1, min_p: 0 },
        stops: [],
      });
      ours.push(sample!.text);
    }
    expect(ours).toEqual(golden.texts[family]);
  });
});

it.skipIf(peer === undefined)(
  'are loaded by AutoModelForCausalLM and AutoTokenizer, which write these texts today',
  { timeout: 300_000 },
  () => {
    const script = path.join(import.meta.dirname, '../oracles/greedy-texts.py');
    const folders = families.map((family) => path.join(scratch, family));
    const answer = spawnSync(
      peer!,
      [script, JSON.stringify(greedyPrompts), String(greedyTokens), ...folders],
      { encoding: 'utf8' },
    );
    expect(answer.status, answer.stderr).toBe(0);
    const texts = Object.values(JSON.parse(answer.stdout) as Record<string, string[]>);
    expect(texts).toEqual(families.map((family) => golden.texts[family]));
  },
);
