/**
 * From a kernel spec to a compute pipeline: reads the .wgsl beside the spec and what its last line includes, sets its `const` lines in place (line numbers stay right
 * in compiler messages), packs the uniform, and caches pipelines per device, file and constants.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { KernelSpec, Scalars } from './kernel.ts';

const sources = new Map<string, string>();

/** The text of a .wgsl file of this folder, found beside the TypeScript source or, from dist/, in the package's kernels/. */
function readSource(file: string): string {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const beside = new URL(file, import.meta.url);
  const inPackage = new URL(`../../kernels/${file}`, import.meta.url);
  const own = readFileSync(existsSync(beside) ? beside : inPackage, 'utf8');
  // At the end of a file, so that line numbers stay right; WGSL lets functions be declared behind their use.
  const text = own.replace(/^\/\/ include (\S+)\n$/m, (_, name: string) => readSource(name));
  sources.set(file, text);
  return text;
}

/** The WGSL of a kernel with its constants set for these scalars. */
export function shaderSource(spec: KernelSpec, scalars: Scalars): string {
  if (spec.source) return spec.source.text(scalars);
  let text = readSource(spec.file);
  for (const [name, scalar] of Object.entries(spec.constants ?? {})) {
    const line = new RegExp(`^const ${name}: u32 = \\d+u;`, 'm');
    if (!line.test(text)) throw new Error(`${spec.file} has no line "const ${name}: u32 = ...u;"`);
    text = text.replace(line, `const ${name}: u32 = ${scalars[scalar]}u;`);
  }
  if (spec.width?.(scalars) === 4) {
    if (!text.includes(widening[0][0])) throw new Error(`${spec.file} has no line "${widening[0][0]}"`);
    for (const [narrow, wide] of widening) text = text.replace(narrow, wide);
  }
  return text;
}

/** What makes a kernel four floats wide: the type, how many, their sum, their numbers. A file has the first, and of the others what it needs. */
const widening = [
  ['alias V = f32;', 'alias V = vec4<f32>;'],
  ['const WIDTH: u32 = 1u;', 'const WIDTH: u32 = 4u;'],
  ['fn across(v: V) -> f32 { return v; }', 'fn across(v: V) -> f32 { return (v.x + v.y) + (v.z + v.w); }'],
  ['const LANES: V = V(0.0);', 'const LANES: V = V(0.0, 1.0, 2.0, 3.0);'],
  // Of pairs that lie one after the other, the first of each and the second.
  ['fn evens(a: V, b: V) -> V { return a; }', 'fn evens(a: V, b: V) -> V { return V(a.xz, b.xz); }'],
  ['fn odds(a: V, b: V) -> V { return b; }', 'fn odds(a: V, b: V) -> V { return V(a.yw, b.yw); }'],
  // The sum that a tree over four numbers gives.
  ['fn halves(v: V) -> f32 { return v; }', 'fn halves(v: V) -> f32 { return (v.x + v.z) + (v.y + v.w); }'],
  [
    'fn greatest(v: V) -> f32 { return v; }',
    'fn greatest(v: V) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }',
  ],
  [
    'fn least(v: V) -> f32 { return v; }',
    'fn least(v: V) -> f32 { return min(min(v.x, v.y), min(v.z, v.w)); }',
  ],
] as const;

/** The uniform of one dispatch, padded to 16 bytes. */
export function packParams(spec: KernelSpec, scalars: Scalars): ArrayBuffer {
  const buffer = new ArrayBuffer(Math.ceil((spec.params.length * 4) / 16) * 16);
  const view = new DataView(buffer);
  spec.params.forEach((param, i) => {
    const value = scalars[param.name];
    if (value === undefined) throw new Error(`${spec.name}: no value for parameter ${param.name}`);
    if (param.type === 'u32') view.setUint32(i * 4, value, true);
    else view.setFloat32(i * 4, value, true);
  });
  return buffer;
}

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const caches = new WeakMap<GPUDevice, Map<string, Promise<CompiledKernel>>>();

/** Compiles a kernel, or returns the pipeline made before for this device and these constants. Rejects with the compiler's messages. */
export function compileKernel(
  device: GPUDevice,
  spec: KernelSpec,
  scalars: Scalars,
): Promise<CompiledKernel> {
  let cache = caches.get(device);
  if (!cache) {
    cache = new Map();
    caches.set(device, cache);
  }
  const constants = Object.values(spec.constants ?? {}).map((scalar) => scalars[scalar]);
  const width = spec.width?.(scalars) ?? 1;
  const key = `${spec.file}|${spec.source?.key(scalars) ?? constants.join(',')}|${width}`;
  let compiled = cache.get(key);
  if (!compiled) {
    compiled = compile(device, spec, scalars);
    cache.set(key, compiled);
  }
  return compiled;
}

async function compile(device: GPUDevice, spec: KernelSpec, scalars: Scalars): Promise<CompiledKernel> {
  const compute = 4; // GPUShaderStage.COMPUTE
  const layout = device.createBindGroupLayout({
    label: spec.name,
    entries: [
      ...spec.bindings.map((binding, i) => ({
        binding: i,
        visibility: compute,
        buffer: { type: binding.access === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
      })),
      { binding: spec.bindings.length, visibility: compute, buffer: { type: 'uniform' as const } },
    ],
  });
  // The messages below say more than the validation error would, so that one is caught here.
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: spec.file, code: shaderSource(spec, scalars) });
  await device.popErrorScope();
  const messages = (await module.getCompilationInfo()).messages.filter((m) => m.type === 'error');
  if (messages.length > 0) {
    throw new Error(
      messages.map((m) => `kernels/${spec.file}:${m.lineNum}:${m.linePos} ${m.message}`).join('\n'),
    );
  }
  const pipeline = await device.createComputePipelineAsync({
    label: spec.name,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  });
  return { pipeline, layout };
}
