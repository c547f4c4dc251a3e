/**
 * The one place that makes a GPU instance, and holds it. Everything else is handed a `Gpu`.
 *
 * What it knows about Dawn in Node (webgpu 0.6.2; measured, see ARCHITECTURE.md):
 * - The object that `create()` returns must live as long as the process; if it is collected, the process dies.
 * - A validation error drops the whole submit and the program would go on with stale data: here it is kept and thrown at the next wait.
 * - While any promise is pending Dawn spins a core through `setImmediate`. On a software adapter that takes a third of the CPU from the
 *   shaders, so waits run with a slower `setImmediate`; on real hardware the extra millisecond would cost more, so there they do not.
 */
import { create, globals } from 'webgpu';
import { atExit } from '../../src/core/cleanup.ts';
import { messageOf, UserError } from '../../src/core/errors.ts';
import { prepareVulkan, setupCommand } from './find-adapter.ts';
import { DeviceLostError, OutOfMemoryError } from './gpu-errors.ts';

export interface DeviceInfo {
  /** Such as `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** True when the CPU does the work (lavapipe, SwiftShader). */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** Subgroup matrices that it multiplies with sums in f32, of halves or of f32. */
  readonly matrices: readonly { m: number; n: number; k: number; f16: boolean }[];
}

export interface Gpu {
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
  /** Waits until everything submitted is done; throws what went wrong on the way. */
  sync(): Promise<void>;
  /** Copies `bytes` of a buffer (COPY_SRC) to the CPU, after everything submitted before. */
  read(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer>;
  /**
   * Copies ranges to the CPU, one behind the other, in one submission with what `encoder` holds already. The copy is ordered now, whatever is
   * submitted before the promise is waited for; any number may be on their way, each through a staging buffer of its own.
   */
  readRanges(ranges: readonly BufferRange[], encoder?: GPUCommandEncoder): Promise<ArrayBuffer>;
  /** Throws an error that arrived since the last look: a validation error, out of memory, a lost device. */
  check(): void;
  close(): Promise<void>;
}

export interface BufferRange {
  buffer: GPUBuffer;
  /** Bytes, multiples of 4. */
  offset: number;
  bytes: number;
}

export interface DeviceOptions {
  /** Take the adapter whose name holds this text. Default: what MIDTRAIN_DEVICE says, else the system's first choice. */
  adapter?: string;
  /** Lower limits than the adapter's, to exercise paths for smaller devices on tiny models. */
  limits?: Record<string, number>;
}

const holder = globalThis as { [key: symbol]: GPU | undefined };
const instanceKey = Symbol.for('midtrain.gpu-instance');
const listingKey = Symbol.for('midtrain.gpu-instance-for-listing');

function instance(adapter: string | undefined): GPU {
  prepareVulkan();
  if (!holder[instanceKey]) {
    Object.assign(globalThis, globals);
    const flags = ['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia'];
    if (adapter !== undefined) flags.push(`adapter=${adapter}`);
    holder[instanceKey] = create(flags);
  }
  return holder[instanceKey];
}

/** An adapter that Dawn sees with the drivers this process uses. */
export interface ListedAdapter {
  /** `vulkan`, `metal`, `d3d12`; Dawn may also list what it runs no training on (`d3d11`, `opengl`). */
  readonly backend: string;
  readonly name: string;
}

/**
 * Every adapter that Dawn sees. It lists them only in the error for a name that fits none, so that is asked for, with an instance of its own,
 * which is kept like the other.
 */
export async function listAdapters(): Promise<ListedAdapter[]> {
  prepareVulkan();
  Object.assign(globalThis, globals);
  holder[listingKey] ??= create(['adapter=\u0001 no adapter is called so']);
  try {
    await holder[listingKey].requestAdapter();
  } catch (error) {
    return adaptersIn(error);
  }
  return [];
}

function adaptersIn(error: unknown): ListedAdapter[] {
  const found = messageOf(error).matchAll(/backend: '([^']*)', name: '([^']*)'/g);
  return [...found].map(([, backend, name]) => ({ backend: backend!, name: name! }));
}

/** Limits worth asking for; without asking, WebGPU gives its small defaults. */
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const;

const subgroupMatrix = 'chromium-experimental-subgroup-matrix';
const wantedFeatures = ['shader-f16', 'subgroups', subgroupMatrix] as const;

/** What the adapter tells of its subgroup matrices; the device's own information leaves it out (webgpu 0.6.2). */
function matricesOf(adapter: GPUAdapter): DeviceInfo['matrices'] {
  const { features } = adapter;
  if (!(features as ReadonlySet<string>).has(subgroupMatrix) || !features.has('subgroups')) return [];
  const { subgroupMatrixConfigs = [] } = adapter.info as GPUAdapterInfo & {
    subgroupMatrixConfigs?: Iterable<{
      componentType: string;
      resultComponentType: string;
      M: number;
      N: number;
      K: number;
    }>;
  };
  return [...subgroupMatrixConfigs]
    .filter(
      ({ componentType, resultComponentType }) =>
        resultComponentType === 'f32' &&
        (componentType === 'f32' || (componentType === 'f16' && features.has('shader-f16'))),
    )
    .map(({ componentType, M, N, K }) => ({ m: M, n: N, k: K, f16: componentType === 'f16' }));
}

/** Opens a device on the adapter that the set-up recorded, or the system's own. Throws `UserError` when there is none. */
export async function openDevice(options: DeviceOptions = {}): Promise<Gpu> {
  const named = options.adapter ?? (process.env.MIDTRAIN_DEVICE || undefined);
  const adapter = await instance(named)
    .requestAdapter()
    .catch((cause: unknown) => {
      // Dawn answers a name that fits nothing with an error that lists what there is.
      const there = adaptersIn(cause).map(({ name }) => name);
      if (named === undefined || there.length === 0) throw cause;
      throw new UserError(`no WebGPU adapter whose name holds "${named}"`, {
        hint: `there is: ${there.join(', ')}`,
        cause,
      });
    });
  if (!adapter) {
    throw new UserError(
      named === undefined ? 'no WebGPU adapter found' : `no WebGPU adapter whose name holds "${named}"`,
      {
        hint: `run \`${setupCommand()}\`: it finds a GPU or fetches a software adapter into your cache folder`,
      },
    );
  }
  const limits: Record<string, number> = {};
  for (const name of wantedLimits) limits[name] = options.limits?.[name] ?? (adapter.limits[name] as number);
  const features = wantedFeatures.filter((f) => adapter.features.has(f));
  const device = await adapter.requestDevice({
    requiredLimits: limits,
    requiredFeatures: features as GPUFeatureName[],
  });
  const { vendor, architecture, device: deviceName, description } = adapter.info;
  const software =
    architecture === 'software' ||
    architecture === 'swiftshader' ||
    /llvmpipe|swiftshader/i.test(`${deviceName} ${description}`);
  return makeGpu(device, {
    name: deviceName || description || vendor,
    vendor,
    architecture,
    software,
    features: [...adapter.features].sort(),
    limits,
    matrices: matricesOf(adapter),
  });
}

function makeGpu(device: GPUDevice, info: DeviceInfo): Gpu {
  let trouble: Error | undefined;
  let lost: DeviceLostError | undefined;
  let closed = false;
  device.addEventListener('uncapturederror', (event) => {
    trouble ??= describeGpuError((event as GPUUncapturedErrorEvent).error, info);
  });
  const loss = device.lost.then(({ message, reason }) => {
    if (!closed) lost = new DeviceLostError(`the GPU (${info.name}) was lost: ${message || reason}`);
  });
  const check = (): void => {
    if (lost) throw lost;
    if (!trouble) return;
    const error = trouble;
    trouble = undefined;
    throw error;
  };
  const wait = async <T>(promise: Promise<T>): Promise<T> => {
    const release = info.software ? slowDownSetImmediate() : undefined;
    try {
      return await promise;
    } catch (cause) {
      // A map that fails says little; why it failed comes a moment later.
      await Promise.race([loss, new Promise((resolve) => setTimeout(resolve, 200))]);
      check();
      throw cause;
    } finally {
      release?.();
    }
  };
  // Staging buffers are kept for good: Dawn must not see one collected while a map is pending.
  const staging = new Map<number, GPUBuffer[]>();

  async function readRanges(
    ranges: readonly BufferRange[],
    encoder = device.createCommandEncoder(),
  ): Promise<ArrayBuffer> {
    check();
    const bytes = ranges.reduce((total, range) => total + range.bytes, 0);
    const size = Math.max(256, 2 ** Math.ceil(Math.log2(bytes)));
    const free = staging.get(size) ?? [];
    staging.set(size, free);
    const target =
      free.pop() ??
      device.createBuffer({
        label: 'staging',
        size,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
    let at = 0;
    for (const range of ranges) {
      encoder.copyBufferToBuffer(range.buffer, range.offset, target, at, range.bytes);
      at += range.bytes;
    }
    device.queue.submit([encoder.finish()]);
    await wait(target.mapAsync(GPUMapMode.READ, 0, bytes));
    const copy = target.getMappedRange(0, bytes).slice(0);
    target.unmap();
    free.push(target);
    check();
    return copy;
  }

  const read = (buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> =>
    readRanges([{ buffer, offset, bytes }]);

  async function sync(): Promise<void> {
    await wait(device.queue.onSubmittedWorkDone());
    check();
  }

  let unregister: () => void = () => {};
  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    unregister();
    // Of a device that is lost there is nothing to wait for.
    if (!lost) await wait(device.queue.onSubmittedWorkDone());
    device.destroy();
  }
  unregister = atExit(close);
  return { device, info, sync, read, readRanges, check, close };
}

function describeGpuError(error: GPUError, info: DeviceInfo): Error {
  if (error.constructor.name === 'GPUOutOfMemoryError') {
    return new OutOfMemoryError(`the GPU (${info.name}) is out of memory: ${error.message}`);
  }
  return new Error(`the GPU refused a command, so its results would be stale: ${error.message}`);
}

let waiting = 0;
let fastSetImmediate: typeof setImmediate | undefined;

/** Replaces `setImmediate` by a 1 ms timer until every waiter has released it. */
function slowDownSetImmediate(): () => void {
  if (waiting++ === 0) {
    fastSetImmediate = globalThis.setImmediate;
    const slow = (callback: (...values: unknown[]) => void, ...values: unknown[]) =>
      setTimeout(callback, 1, ...values);
    globalThis.setImmediate = slow as unknown as typeof setImmediate;
  }
  return () => {
    if (--waiting === 0 && fastSetImmediate) globalThis.setImmediate = fastSetImmediate;
  };
}
