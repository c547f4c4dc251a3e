/** What `devices` advises, fact by fact: it must speak where something is slow and be silent where nothing is. */
import { expect, test } from 'vitest';
import { adviseDevice, type DeviceFacts } from '../../trainer/gpu/advise-device.ts';

const fast: DeviceFacts = {
  software: false,
  kind: 'gpu',
  platform: 'linux',
  vendor: 'nvidia',
  features: ['shader-f16', 'subgroups'],
  maxStorageBufferBindingSize: 2 ** 31,
  available: ['gpu', 'lavapipe'],
  cards: ['/dev/nvidia0'],
  cores: 16,
  load: 12,
  tuned: true,
  setupCommand: 'npm run setup',
};
const slow: DeviceFacts = {
  ...fast,
  software: true,
  kind: 'lavapipe',
  available: ['lavapipe'],
  cards: [],
  load: 0.2,
};

test('a tuned GPU with f16 and large bindings needs nothing, whatever the load', () => {
  expect(adviseDevice(fast)).toEqual([]);
});

test.each([
  [
    'a GPU that is set up and not used',
    { ...slow, available: ['gpu', 'lavapipe'] },
    /found a GPU.*unset MIDTRAIN_ADAPTER/,
  ],
  [
    'drivers named in the environment',
    { ...slow, kind: 'environment', available: ['gpu'] },
    /unset VK_DRIVER_FILES and VK_ICD_FILENAMES/,
  ],
  [
    'a card without a driver',
    { ...slow, cards: ['/dev/dri/renderD128'] },
    /renderD128 shows a card.*mesa-vulkan-drivers.*npm run setup/,
  ],
  [
    'an NVIDIA card in a container',
    { ...slow, cards: ['/dev/nvidia0', '/dev/dri/card0'] },
    /and \/dev\/dri\/card0 show a card.*graphics/,
  ],
  ['no card at all', slow, /the CPU does the work/],
  [
    'SwiftShader beside lavapipe',
    { ...slow, kind: 'swiftshader', available: ['lavapipe', 'swiftshader'] },
    /unset MIDTRAIN_ADAPTER/,
  ],
  [
    'SwiftShader alone',
    { ...slow, kind: 'swiftshader', available: ['swiftshader'] },
    /MIDTRAIN_ADAPTER=lavapipe npm run setup/,
  ],
  ['a busy CPU', { ...slow, cores: 2, load: 6.2 }, /load is 6.2 on 2 cores/],
  ['nothing measured', { ...fast, tuned: false }, /devices --tune/],
  ['no f16 on NVIDIA', { ...fast, features: [] }, /shader-f16.*535/],
  ['no f16 elsewhere', { ...fast, vendor: 'intel', features: [] }, /no shader-f16.*a newer driver/],
  ['small bindings', { ...fast, maxStorageBufferBindingSize: 128 << 20 }, /sees 128 MiB of a buffer/],
] as const)('%s', (_, facts, pattern) => {
  expect(adviseDevice(facts).join('\n')).toMatch(pattern);
});

test('a quiet CPU is not called busy', () => {
  expect(adviseDevice(slow).join('\n')).not.toMatch(/load/);
});
