/** `midtrain devices`: which GPU training would run on, found exactly the way training finds it, how fast it is, and what would be faster. */
import type { Product } from '../../trainer/gpu/autotune.ts';
import type { DeviceDescription } from '../../trainer/learner/describe-device.ts';
import { exitCodes } from '../core/errors.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { integerValue } from './parse.ts';

/** Limits that decide how large a model or batch can be, with the unit of each. */
const limitsShown: Record<string, string> = {
  maxBufferSize: 'bytes in one buffer',
  maxStorageBufferBindingSize: 'bytes a kernel sees of a buffer',
  maxStorageBuffersPerShaderStage: 'buffers a kernel can use',
  maxComputeWorkgroupStorageSize: 'bytes of shared memory in a workgroup',
  maxComputeInvocationsPerWorkgroup: 'threads in a workgroup',
  maxComputeWorkgroupsPerDimension: 'workgroups along one dimension',
};

/** What a kernel computes, by the short name of its operation. */
const passes: Record<Product['op'], string> = {
  nt: 'forward',
  nn: 'input gradient',
  tn: 'weight gradient',
  forward: 'attention',
  query: 'gradient of queries',
  'key-value': 'gradient of keys and values',
};

export const command: Command = {
  name: 'devices',
  summary: 'show the GPU, or the software adapter, that training would use, and its speed',
  description:
    'Opens the WebGPU adapter that train, grpo and generate would open, and prints its name, whether the CPU does the work, ' +
    'its features and the limits that bound a model, the speed of matrix products and of memory, the kernel variants that training ' +
    'would take, and what would make it faster. MIDTRAIN_DEVICE=<part of a name> chooses among several adapters, for every command.',
  options: [
    {
      flags: '--adapter <text>',
      description: 'take the adapter whose name contains this text (as MIDTRAIN_DEVICE)',
    },
    { flags: '--no-measure', description: 'leave the speeds out (they take some 3 seconds)' },
    {
      flags: '--tune <seconds>',
      description:
        'measure every kernel variant on the products of the model below, for at most so long, and keep the fastest for later runs',
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--model <name>',
      description: 'whose kernels to show or tune: SmolLM2-135M, Llama-3.2-1B, ... or a Hugging Face folder',
      default: 'SmolLM2-135M',
    },
    {
      flags: '--batch <n>',
      description: 'sequences of a micro-batch',
      default: 4,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--sequence <n>',
      description: 'tokens of a sequence',
      default: 512,
      parse: integerValue({ min: 1 }),
    },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain devices', what: 'what this machine trains on' },
    { command: 'midtrain devices --no-measure --json', what: 'the same for a script, without its speeds' },
    {
      command: 'midtrain devices --tune 30 --model Llama-3.2-1B --batch 1',
      what: 'find the fastest kernels for a model once',
    },
  ],
  async run(context, _args, options) {
    const { openDevice } = await import('../../trainer/gpu/device.ts');
    const { describeDevice, trainingPlanOf } = await import('../../trainer/learner/describe-device.ts');
    const { configNamed } = await import('../../trainer/model/model-shapes.ts');
    const config = await configNamed(options.model as string);
    const adapter = options.adapter as string | undefined;
    const gpu = await openDevice(adapter === undefined ? {} : { adapter });
    try {
      const limit = gpu.info.limits.maxStorageBufferBindingSize!;
      const plan = trainingPlanOf(config, options.batch as number, options.sequence as number, limit);
      if (options.tune !== undefined) {
        const { autotune, productsOf } = await import('../../trainer/gpu/autotune.ts');
        const products = productsOf(plan);
        const task = 'tune';
        let done = 0;
        context.emit({ kind: 'start', task, total: products.length, unit: 'product' });
        const began = performance.now();
        await autotune(gpu, products, {
          seconds: options.tune as number,
          signal: context.signal,
          onMeasured: () => {
            done++;
            context.emit({ kind: 'progress', task, done, total: products.length, unit: 'product' });
          },
        });
        const seconds = (performance.now() - began) / 1000;
        context.emit({ kind: 'end', task, done, unit: 'product', seconds });
      }
      const found = await describeDevice(gpu, plan, {
        measure: options.measure !== false,
        signal: context.signal,
      });
      if (context.json) context.write(`${JSON.stringify(found, undefined, 2)}\n`);
      else writeForPeople(context, found, `${options.model}, ${options.batch} x ${options.sequence}`);
    } finally {
      await gpu.close();
    }
    return exitCodes.done;
  },
};

function writeForPeople(context: CommandContext, found: DeviceDescription, model: string): void {
  const limits = Object.entries(limitsShown)
    .filter(([name]) => found.limits[name] !== undefined)
    .map(
      ([name, what]) => `  ${found.limits[name]!.toLocaleString('en-US').padStart(15)}  ${what} (${name})`,
    );
  const kind = found.software ? 'software: the CPU does the work' : 'hardware';
  const others = [
    ...found.adapters.map(({ backend, name }) => `${name} (${backend})`),
    ...found.setUp.map(({ kind, name }) => `${kind}: ${name} (set up; MIDTRAIN_ADAPTER=${kind})`),
  ];
  const { measured, subgroupSizes } = found;
  const [least, most] = subgroupSizes ?? [];
  const kernels = found.kernels.slice(0, 12).map(({ product, share, variant, from, gflops }) => {
    const speed = gflops === undefined ? '' : `, ${gflops.toPrecision(3)} GFLOP/s`;
    return `  ${`${(share * 100).toFixed(1)} %`.padStart(7)}  ${inWords(product).padEnd(40)}  ${variant} (${from}${speed})`;
  });
  context.write(
    [
      `adapter   ${found.name}`,
      `vendor    ${[found.vendor, found.architecture].filter((part) => part !== '').join(', ')}`,
      `backend   ${found.backend}, ${kind}`,
      `chosen by ${found.chosenBy}`,
      `features  ${found.features.join(', ')}`,
      ...(least === undefined ? [] : [`subgroups ${least === most ? least : `${least} to ${most}`} threads`]),
      'limits',
      ...limits,
      'adapters',
      ...others.map((line) => `  ${line}`),
      ...(measured
        ? [
            'measured',
            `  ${measured.gflops.toPrecision(3).padStart(15)}  GFLOP/s, matrix products of ${measured.product} in f32`,
            `  ${measured.gigabytesPerSecond.toPrecision(3).padStart(15)}  GB/s, two arrays of ${measured.arrayBytes / 1048576} MiB read and one written (STREAM triad)`,
          ]
        : []),
      `kernels, with their share of the arithmetic of a training step (${model})`,
      ...kernels,
      ...(found.kernels.length > kernels.length
        ? [`  and ${found.kernels.length - kernels.length} smaller classes (--json has all)`]
        : []),
      ...(found.advice.length > 0
        ? ['what would be faster', ...found.advice.map((line) => `  - ${line}`)]
        : []),
      '',
    ].join('\n'),
  );
}

function inWords(product: Product): string {
  const what = passes[product.op];
  if ('m' in product) {
    const { m, n, k, half } = product;
    return `${what}, ${m} x ${n} over ${k}${half === 1 ? ', f16' : ''}`;
  }
  return `${what}, ${product.heads} heads of ${product.head_dim}`;
}
