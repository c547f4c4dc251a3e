/**
 * What `midtrain devices` says of the adapter in use: features, limits, measured speeds, the kernel variants that training a given model would
 * take and where each choice comes from, and what would be faster. Opens nothing: it is handed the device.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { adviseDevice } from '../gpu/advise-device.ts';
import { type DeviceInfo, type Gpu, type ListedAdapter, listAdapters } from '../gpu/device.ts';
import {
  type AdapterEntry,
  cacheFolder,
  prepareVulkan,
  readAdapterRecord,
  setupCommand,
} from '../gpu/find-adapter.ts';
import { type KernelUse, kernelsOfPlan } from '../gpu/kernels-of-plan.ts';
import { measureBandwidth } from '../gpu/measure-bandwidth.ts';
import { measureSpeed } from '../gpu/measure-speed.ts';
import { readTable, traitsOf } from '../gpu/tuning.ts';
import type { ModelConfig } from '../model/config.ts';
import { layoutSlabs, parameterBlocks, vocabularyRows } from '../model/parameters.ts';
import { declareSlabs } from '../model/weights.ts';
import type { Plan } from '../plan/plan.ts';
import { planLearner } from './learner-plan.ts';
import { adamWDefaults } from './optimizer.ts';

export interface DeviceDescription extends DeviceInfo {
  backend: string;
  /** Who chose it: a variable, the set-up's record, the machine. */
  chosenBy: string;
  /** Threads of a subgroup, where the adapter has them. */
  subgroupSizes?: [number, number];
  /** Every adapter that these drivers show, and those that the set-up found to work with other drivers. */
  adapters: ListedAdapter[];
  setUp: { kind: string; name: string }[];
  measured?: { gflops: number; product: string; gigabytesPerSecond: number; arrayBytes: number };
  kernels: KernelUse[];
  advice: string[];
}

/** The interface Dawn uses on each platform. */
const backends: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'Vulkan',
  darwin: 'Metal',
  win32: 'D3D12',
};

export async function describeDevice(
  gpu: Gpu,
  plan: Plan,
  options: { measure: boolean; signal?: AbortSignal },
): Promise<DeviceDescription> {
  const { info } = gpu;
  const choice = prepareVulkan();
  const adapters = await listAdapters();
  const setUp = adaptersSetUp();
  const signal = options.signal ? { signal: options.signal } : {};
  const load = loadavg()[0]!;
  const measured = options.measure ? await measure(gpu, signal) : undefined;
  const table = readTable(gpu);
  const { subgroupMinSize, subgroupMaxSize } = gpu.device.adapterInfo;
  return {
    ...info,
    backend: backends[process.platform] ?? process.platform,
    chosenBy: choice.from,
    ...(info.features.includes('subgroups') ? { subgroupSizes: [subgroupMinSize, subgroupMaxSize] } : {}),
    adapters,
    setUp: setUp.map(({ kind, name }) => ({ kind, name })),
    ...(measured ? { measured } : {}),
    kernels: kernelsOfPlan(plan, traitsOf(gpu), table),
    advice: adviseDevice({
      software: info.software,
      kind: choice.kind,
      platform: process.platform,
      vendor: info.vendor,
      features: info.features,
      maxStorageBufferBindingSize: info.limits.maxStorageBufferBindingSize!,
      available: setUp.map(({ kind }) => kind),
      cards: cardsOfMachine(),
      cores: availableParallelism(),
      load,
      tuned: table !== undefined,
      setupCommand: setupCommand(),
    }),
  };
}

async function measure(gpu: Gpu, signal: { signal?: AbortSignal }) {
  const speed = await measureSpeed(gpu, signal);
  const bandwidth = await measureBandwidth(gpu, signal);
  return {
    gflops: speed.flopsPerSecond / 1e9,
    product: `${speed.shape.m}^3`,
    gigabytesPerSecond: bandwidth.bytesPerSecond / 1e9,
    arrayBytes: bandwidth.arrayBytes,
  };
}

/** The plan of a training step of a model, to see or tune the kernels it takes; nothing is allocated. */
export function trainingPlanOf(config: ModelConfig, batch: number, seq: number, bindingBytes: number): Plan {
  const layout = layoutSlabs(parameterBlocks(config, vocabularyRows(config, bindingBytes)), bindingBytes);
  const shape = { config, batch, seq, logitsBytes: 64 << 20, temperature: 1, optimizer: adamWDefaults };
  return planLearner(shape, layout, (builder) => declareSlabs(builder, 'weights', layout, 'external')).plan;
}

function adaptersSetUp(): AdapterEntry[] {
  const record = readAdapterRecord(path.join(cacheFolder(), 'adapter.json'));
  return record === undefined ? [] : Object.values(record.available);
}

/** Device files of graphics cards, which are there whatever the driver. Linux only; elsewhere the system brings the driver. */
function cardsOfMachine(): string[] {
  if (process.platform !== 'linux') return [];
  const inFolder = (folder: string, pattern: RegExp) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => pattern.test(name))
          .sort()
          .map((name) => path.join(folder, name))
      : [];
  return [
    ...inFolder('/dev', /^nvidia\d+$/),
    ...inFolder('/dev', /^dxg$/),
    ...inFolder('/dev/dri', /^renderD\d+$/),
  ];
}
