/** `midtrain devices`: which GPU training would run on, found exactly the way training finds it. */
import { exitCodes, messageOf, UserError } from '../core/errors.ts';
import { type Command, jsonOption } from './command.ts';

/** The graphics interface Dawn uses on each platform. */
const backends: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'Vulkan',
  darwin: 'Metal',
  win32: 'D3D12',
};

/** Limits that decide how large a model or batch can be, with the unit of each. */
const limitsShown: Record<string, string> = {
  maxBufferSize: 'bytes in one buffer',
  maxStorageBufferBindingSize: 'bytes a kernel sees of a buffer',
  maxStorageBuffersPerShaderStage: 'buffers a kernel can use',
  maxComputeWorkgroupStorageSize: 'bytes of shared memory in a workgroup',
  maxComputeInvocationsPerWorkgroup: 'threads in a workgroup',
  maxComputeWorkgroupsPerDimension: 'workgroups along one dimension',
};

export const command: Command = {
  name: 'devices',
  summary: 'show the GPU, or the software adapter, that training would use',
  description:
    'Opens the WebGPU adapter that train, grpo and generate would open, and prints its name, whether the CPU does the work, ' +
    'its features and the limits that bound a model.',
  options: [
    { flags: '--adapter <text>', description: 'take the adapter whose name contains this text' },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain devices', what: 'what this machine trains on' },
    { command: 'midtrain devices --json', what: 'the same for a script' },
  ],
  async run(context, _args, options) {
    const { openDevice } = await import('../../trainer/device.ts');
    const { prepareVulkan } = await import('../../trainer/find-adapter.ts');
    const adapter = options.adapter as string | undefined;
    const gpu = await openDevice(adapter === undefined ? {} : { adapter }).catch((error: unknown) => {
      throw adapter === undefined ? error : noSuchAdapter(adapter, error);
    });
    const { info } = gpu;
    const { from } = prepareVulkan();
    const backend = backends[process.platform] ?? process.platform;
    await gpu.close();
    if (context.json) {
      context.write(`${JSON.stringify({ ...info, backend, chosenBy: from }, undefined, 2)}\n`);
      return exitCodes.done;
    }
    const limits = Object.entries(limitsShown)
      .filter(([name]) => info.limits[name] !== undefined)
      .map(
        ([name, what]) => `  ${info.limits[name]!.toLocaleString('en-US').padStart(15)}  ${what} (${name})`,
      );
    const kind = info.software ? 'software: the CPU does the work' : 'hardware';
    context.write(
      [
        `adapter   ${info.name}`,
        `vendor    ${[info.vendor, info.architecture].filter((part) => part !== '').join(', ')}`,
        `backend   ${backend}, ${kind}`,
        `chosen by ${from}`,
        `features  ${info.features.join(', ')}`,
        'limits',
        ...limits,
        '',
      ].join('\n'),
    );
    return exitCodes.done;
  },
};

/** Dawn answers a name that fits nothing with an error that lists what there is. */
function noSuchAdapter(adapter: string, error: unknown): unknown {
  const names = [...messageOf(error).matchAll(/name: '([^']*)'/g)].map(([, name]) => name);
  if (error instanceof UserError || names.length === 0) return error;
  return new UserError(`no WebGPU adapter whose name holds "${adapter}"`, {
    hint: `there is: ${names.join(', ')}`,
    cause: error,
  });
}
