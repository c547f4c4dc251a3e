/** `midtrain devices` on the adapter that the set-up found. */
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

test('without --json prints the same for people', async () => {
  const { code, stdout } = await runCli(['devices']);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^adapter {3}\S.*\nvendor .*\nbackend {3}(Vulkan|Metal|D3D12), (software: the CPU does the work|hardware)\n/,
  );
  expect(stdout).toMatch(/ {2,}[\d,]+ {2}bytes in one buffer \(maxBufferSize\)/);
});

test('an adapter that does not exist is a mistake with a cure', async () => {
  const { code, stdout, stderr } = await runCli(['devices', '--adapter', 'no such adapter']);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/error: no WebGPU adapter whose name holds "no such adapter"\nhint: \S/);
});
