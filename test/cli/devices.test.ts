/** `midtrain devices` on the adapter that the set-up found. */
import { copyFileSync, mkdirSync, mkdtempSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../run-cli.ts';

test('--json names the adapter, says whether it is software, and gives its limits', async () => {
  const { code, stdout, stderr } = await runCli(['devices', '--json']);
  expect([code, stderr.match(/^(error|bug):.*/m)?.[0]]).toEqual([0, undefined]);
  const info = JSON.parse(stdout) as Record<string, unknown>;
  expect(info).toMatchObject({
    name: expect.stringMatching(/\S/),
    backend: expect.stringMatching(/^(Vulkan|Metal|D3D12)$/),
    software: expect.any(Boolean),
    features: expect.any(Array),
    chosenBy: expect.any(String),
  });
  expect((info.limits as Record<string, number>).maxStorageBufferBindingSize).toBeGreaterThanOrEqual(
    128 * 1024 * 1024,
  );
});

test('--tune measures the variants of a model once, and later runs say so', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'midtrain-tune-'));
  // The adapter's own files stay where they are: only the table of kernels goes elsewhere.
  const own = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  mkdirSync(join(cache, 'midtrain'));
  copyFileSync(join(own, 'midtrain', 'adapter.json'), join(cache, 'midtrain', 'adapter.json'));
  const model = ['--model', 'SmolLM2-135M', '--batch', '1', '--sequence', '16', '--no-measure', '--json'];
  const env = { XDG_CACHE_HOME: cache };
  type Found = {
    kernels: { class: string; from: string; gflops?: number; share: number }[];
    advice: string[];
  };
  const before = JSON.parse((await runCli(['devices', ...model], { env })).stdout) as Found;
  expect(before.kernels.every(({ from }) => from === 'default')).toBe(true);
  expect(before.advice.join()).toContain('devices --tune');
  expect(before.kernels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  const after = JSON.parse((await runCli(['devices', '--tune', '3', ...model], { env })).stdout) as Found;
  expect(after.kernels.some(({ from, gflops }) => from === 'measured' && gflops! > 0)).toBe(true);
  expect(after.advice.join()).not.toContain('devices --tune');
});

test('without --json prints the same for people', async () => {
  const { code, stdout } = await runCli(['devices']);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^adapter {3}\S.*\nvendor .*\nbackend {3}(Vulkan|Metal|D3D12), (software: the CPU does the work|hardware)\n/,
  );
  expect(stdout).toMatch(/ {2,}[\d,]+ {2}bytes in one buffer \(maxBufferSize\)/);
  expect(stdout).toMatch(/\nmeasured\n +[\d.]+ {2}GFLOP\/s.*\n +[\d.]+ {2}GB\/s/);
  expect(stdout).toMatch(/\n +[\d.]+ % {2}forward, 2048 x 3072 over 576 +[\w-]+ \((default|measured)/);
});

test('an adapter that does not exist is a mistake with a cure', async () => {
  const { code, stdout, stderr } = await runCli(['devices', '--adapter', 'no such adapter']);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/error: no WebGPU adapter whose name holds "no such adapter"\nhint: \S/);
});
