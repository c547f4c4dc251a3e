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
import { atExit } from '../src/core/cleanup.ts';
import { UserError } from '../src/core/errors.ts';
import { prepareVulkan, setupCommand } from './find-adapter.ts';

export interface DeviceInfo {
  /** Such as `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** True when the CPU does the work (lavapipe, SwiftShader). */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

export interface Gpu {
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
  /** Waits until everything submitted is done; throws what went wrong on the way. */
  sync(): Promise<void>;
  /** Copies `bytes` of a buffer (COPY_SRC) to the CPU, after everything submitted before. */
  read(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer>;
  /** Throws an error that arrived since the last look: a validation error, out of memory, a lost device. */
  check(): void;
  close(): Promise<void>;
}

export interface DeviceOptions {
  /** Take the adapter whose name holds this text. */
  adapter?: string;
  /** Lower limits than the adapter's, to exercise paths for smaller devices on tiny models. */
  limits?: Record<string, number>;
}

const holder = globalThis as { [key: symbol]: GPU | undefined };
const instanceKey = Symbol.for('midtrain.gpu-instance');

function instance(options: DeviceOptions): GPU {
  prepareVulkan();
  if (!holder[instanceKey]) {
    Object.assign(globalThis, globals);
    const flags = ['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia'];
    if (options.adapter !== undefined) flags.push(`adapter=${options.adapter}`);
    holder[instanceKey] = create(flags);
  }
  return holder[instanceKey];
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

/** Opens a device on the adapter that the set-up recorded, or the system's own. Throws `UserError` when there is none. */
export async function openDevice(options: DeviceOptions = {}): Promise<Gpu> {
  const adapter = await instance(options).requestAdapter();
  if (!adapter) {
    throw new UserError(
      options.adapter === undefined
        ? 'no WebGPU adapter found'
        : `no WebGPU adapter whose name holds "${options.adapter}"`,
      {
        hint: `run \`${setupCommand()}\`: it finds a GPU or fetches a software adapter into your cache folder`,
      },
    );
  }
  const limits: Record<string, number> = {};
  for (const name of wantedLimits) limits[name] = options.limits?.[name] ?? (adapter.limits[name] as number);
  const features = (['shader-f16', 'subgroups'] as const).filter((f) => adapter.features.has(f));
  const device = await adapter.requestDevice({ requiredLimits: limits, requiredFeatures: features });
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
  });
}

function makeGpu(device: GPUDevice, info: DeviceInfo): Gpu {
  let trouble: Error | undefined;
  let closed = false;
  device.addEventListener('uncapturederror', (event) => {
    trouble ??= describeGpuError((event as GPUUncapturedErrorEvent).error, info);
  });
  void device.lost.then((lost) => {
    if (closed) return;
    trouble ??= new UserError(`the GPU (${info.name}) was lost: ${lost.message || lost.reason}`, {
      hint: 'start again with the same command: training goes on from the last checkpoint',
    });
  });
  const check = (): void => {
    if (!trouble) return;
    const error = trouble;
    trouble = undefined;
    throw error;
  };
  const wait = async <T>(promise: Promise<T>): Promise<T> => {
    const release = info.software ? slowDownSetImmediate() : undefined;
    try {
      return await promise;
    } finally {
      release?.();
    }
  };
  // Staging buffers are kept for good: Dawn must not see one collected while a map is pending.
  const staging = new Map<number, GPUBuffer[]>();

  async function read(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    check();
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
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, target, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await wait(target.mapAsync(GPUMapMode.READ, 0, bytes));
    const copy = target.getMappedRange(0, bytes).slice(0);
    target.unmap();
    free.push(target);
    check();
    return copy;
  }

  async function sync(): Promise<void> {
    await wait(device.queue.onSubmittedWorkDone());
    check();
  }

  let unregister: () => void = () => {};
  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    unregister();
    await wait(device.queue.onSubmittedWorkDone());
    device.destroy();
  }
  unregister = atExit(close);
  return { device, info, sync, read, check, close };
}

function describeGpuError(error: GPUError, info: DeviceInfo): Error {
  if (error.constructor.name === 'GPUOutOfMemoryError') {
    return new UserError(`the GPU (${info.name}) is out of memory: ${error.message}`, {
      hint: 'lower micro_batch_size or sequence_length; `--dry-run` prints what a run needs',
    });
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
