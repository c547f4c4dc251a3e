/**
 * Writes test/fixtures/greedy-texts.json: what transformers generates, greedily, from the checkpoint folders of every family that this project saves.
 *
 *   MIDTRAIN_PEER_PYTHON=<python with torch and transformers> node test/oracles/greedy-texts.ts
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDevice } from '../../trainer/gpu/device.ts';
import { families, greedyPrompts, greedyTokens, writeGreedyFolder } from '../export/greedy-folders.ts';

const python = process.env.MIDTRAIN_PEER_PYTHON ?? 'python3';
const script = path.join(import.meta.dirname, 'greedy-texts.py');
const scratch = mkdtempSync(path.join(tmpdir(), 'greedy-'));
const gpu = await openDevice();
for (const family of families) await writeGreedyFolder(gpu, family, path.join(scratch, family));
const folders = families.map((family) => path.join(scratch, family));
const answer = spawnSync(python, [script, JSON.stringify(greedyPrompts), String(greedyTokens), ...folders], {
  encoding: 'utf8',
});
if (answer.status !== 0) throw new Error(answer.stderr);
const said = JSON.parse(answer.stdout) as Record<string, string[]>;
const texts = Object.fromEntries(families.map((family, i) => [family, said[folders[i]!]]));
const version = spawnSync(python, ['-c', 'import transformers; print(transformers.__version__)'], {
  encoding: 'utf8',
}).stdout.trim();
writeFileSync(
  path.join(import.meta.dirname, '../fixtures/greedy-texts.json'),
  `${JSON.stringify({ transformers: version, prompts: greedyPrompts, newTokens: greedyTokens, texts }, null, 2)}\n`,
);
await gpu.close();
rmSync(scratch, { recursive: true });
