/**
 * An ONNX model in the Hugging Face layout as a function from texts to vectors: embeddings (pooled here) or, for sequence classification
 * checkpoints, their outputs.
 *
 * Texts are cropped, tokenised and put through the model in batches of like length (plan-batches.ts). On the CPU a session has one thread
 * by default: workers are the parallelism of a job, and one thread sums in one order. Numbers are those of the batch a text is in: padding
 * is masked, but a matrix product may sum in another order for another shape, so callers keep their batches the same (EXPERIMENTS.md has
 * how far they differ). Memory is the model and one batch.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import { cropText } from './crop-text.ts';
import { encoderFingerprint, readEncoderFolder } from './encoder-folder.ts';
import type { Device, EncoderSettings, Pooling } from './encoder-settings.ts';
import { loadTransformers } from './load-transformers.ts';
import { type BatchLimits, planBatches } from './plan-batches.ts';
import { normalizeVector, poolTokens } from './pool-tokens.ts';
import { TextTokenizer } from './tokenize-text.ts';

export interface EncodeOptions {
  /** Called before each batch; may throw to stop. */
  onBatch?: () => void;
}

export interface Encoder {
  readonly settings: EncoderSettings;
  /** `scores`: the outputs of a sequence classification model; `embeddings` else. */
  readonly gives: 'embeddings' | 'scores';
  /** Values a text becomes. */
  readonly dimensions: number;
  readonly device: Exclude<Device, 'auto'>;
  readonly maxLength: number;
  readonly pooling: Pooling;
  readonly normalize: boolean;
  readonly batch: BatchLimits;
  /** texts.length x dimensions, in the order of the texts. */
  encode(texts: readonly string[], options?: EncodeOptions): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface OpenEncoderOptions {
  device?: Device;
  /** Threads of one session on the CPU. Default 1. */
  threads?: number;
  batch?: Partial<BatchLimits>;
}

/** A batch on the CPU fits the caches and takes seconds at most; on a GPU it has to fill the machine. */
const usualBatch = { cpu: { texts: 16, tokens: 2048 }, other: { texts: 64, tokens: 32_768 } } as const;

type Transformers = Awaited<ReturnType<typeof loadTransformers>>;
type Model = Awaited<ReturnType<Transformers['AutoModel']['from_pretrained']>>;

/** What `auto` goes by. */
export interface MachineFacts {
  platform: NodeJS.Platform;
  arch: string;
  /** Linux: there is a render node, so a Vulkan driver would be a real GPU's. */
  renderNode: boolean;
}

/**
 * Which devices are tried, in order. WebGPU only where there is a GPU: on a software adapter it is hundreds of times slower than the CPU.
 * Pure.
 */
export function devicesToTry(device: Device, machine: MachineFacts): Exclude<Device, 'auto'>[] {
  if (device !== 'auto') return [device];
  if (machine.platform === 'win32') return ['dml', 'cpu'];
  if (machine.platform === 'darwin') return ['webgpu', 'cpu'];
  if (machine.platform !== 'linux' || machine.arch !== 'x64') return ['cpu'];
  return machine.renderNode ? ['cuda', 'webgpu', 'cpu'] : ['cuda', 'cpu'];
}

function thisMachine(): MachineFacts {
  const { platform, arch } = process;
  const nodes = platform === 'linux' && existsSync('/dev/dri') ? readdirSync('/dev/dri') : [];
  return { platform, arch, renderNode: nodes.some((name) => name.startsWith('renderD')) };
}

/** Throws an `InputError` for a folder that is no such model, a `UserError` where the package or the device is missing. */
export async function openEncoder(
  settings: EncoderSettings,
  options: OpenEncoderOptions = {},
): Promise<Encoder> {
  const folder = await readEncoderFolder(settings);
  if (settings.fingerprint !== undefined) {
    const found = await encoderFingerprint(settings);
    if (found !== settings.fingerprint)
      throw new InputError(
        settings.model,
        `this is another encoder than the head was trained on (${found}, not ${settings.fingerprint})`,
        {
          hint: 'give the encoder that the classifier names, or train the classifier again',
        },
      );
  }
  const transformers = await loadTransformers();
  const ids = await transformers.AutoTokenizer.from_pretrained(settings.model, {
    local_files_only: true,
  }).catch((cause: unknown) => {
    throw new InputError(join(settings.model, 'tokenizer.json'), messageOf(cause), { cause });
  });
  const tokenizer = new TextTokenizer(
    ids as ConstructorParameters<typeof TextTokenizer>[0],
    folder.maxLength,
  );
  const { model, device } = await openModel(transformers, settings, folder.subfolder, options);
  const padding = BigInt((ids as { pad_token_id?: number }).pad_token_id ?? 0);
  const usual = device === 'cpu' ? usualBatch.cpu : usualBatch.other;
  const batch = { ...usual, ...options.batch };
  const run = async (rows: readonly number[][]): Promise<Output> =>
    runModel(transformers, model, rows, padding, settings.model);
  const probe = await run([tokenizer.idsOf('a')]);
  const dimensions = probe.dims.at(-1)!;
  const { pooling, normalize } = folder;
  return {
    settings,
    gives: probe.name === 'logits' ? 'scores' : 'embeddings',
    dimensions,
    device,
    maxLength: folder.maxLength,
    pooling,
    normalize,
    batch,
    async encode(texts, { onBatch } = {}) {
      const rows = texts.map((text) => tokenizer.idsOf(settings.prefix + cropText(text, settings.crop)));
      const out = new Float32Array(texts.length * dimensions);
      const lengths = rows.map((row) => row.length);
      for (const indexes of planBatches(lengths, batch)) {
        onBatch?.();
        const { dims, data } = await run(indexes.map((i) => rows[i]!));
        for (const [row, i] of indexes.entries()) {
          const at = i * dimensions;
          if (dims.length === 2) out.set(data.subarray(row * dimensions, (row + 1) * dimensions), at);
          else poolTokens(data, { row, width: dims[1]!, length: lengths[i]!, dimensions }, pooling, out, at);
          if (normalize && probe.name !== 'logits') normalizeVector(out, at, dimensions);
        }
      }
      return out;
    },
    async close() {
      await model.dispose();
    },
  };
}

async function openModel(
  { AutoModel }: Transformers,
  settings: EncoderSettings,
  subfolder: string,
  { device = 'auto', threads = 1 }: OpenEncoderOptions,
): Promise<{ model: Model; device: Exclude<Device, 'auto'> }> {
  const problems: string[] = [];
  for (const one of devicesToTry(device, thisMachine())) {
    try {
      const model = await AutoModel.from_pretrained(settings.model, {
        device: one,
        dtype: settings.dtype,
        subfolder,
        local_files_only: true,
        session_options: { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 4 },
      });
      return { model, device: one };
    } catch (error) {
      problems.push(`${one}: ${messageOf(error).split('\n')[0]}`);
    }
  }
  if (device === 'auto' || device === 'cpu')
    throw new InputError(settings.model, `the model does not open: ${problems.at(-1)}`, {
      hint: 'export it to ONNX again',
    });
  throw new UserError(`device ${device}: ${settings.model} does not open there: ${problems[0]}`, {
    hint:
      device === 'cuda'
        ? 'the CUDA libraries of ONNX Runtime come with: npm rebuild onnxruntime-node; device: cpu needs none'
        : 'device: cpu runs everywhere',
  });
}

interface Output {
  name: 'logits' | 'hidden' | 'pooled';
  /** rows x tokens x dimensions, or rows x dimensions. */
  dims: readonly number[];
  data: Float32Array;
}

/** Which of a graph's outputs is taken, by what exporters call them. */
const outputNames = [
  ['logits', 'logits'],
  ['last_hidden_state', 'hidden'],
  ['token_embeddings', 'hidden'],
  ['sentence_embedding', 'pooled'],
] as const;

async function runModel(
  { Tensor }: Transformers,
  model: Model,
  rows: readonly number[][],
  padding: bigint,
  path: string,
): Promise<Output> {
  const width = Math.max(...rows.map((row) => row.length));
  const dims = [rows.length, width];
  const ids = new BigInt64Array(rows.length * width).fill(padding);
  const mask = new BigInt64Array(ids.length);
  for (const [r, row] of rows.entries()) {
    for (let i = 0; i < row.length; i++) {
      ids[r * width + i] = BigInt(row[i]!);
      mask[r * width + i] = 1n;
    }
  }
  const outputs = (await (model as unknown as (inputs: object) => Promise<Record<string, unknown>>)({
    input_ids: new Tensor('int64', ids, dims),
    attention_mask: new Tensor('int64', mask, dims),
  })) as Record<string, { dims: number[]; data: unknown }>;
  for (const [key, name] of outputNames) {
    const output = outputs[key];
    if (output === undefined) continue;
    const { data } = output;
    const floats = data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>);
    return { name, dims: output.dims, data: floats };
  }
  throw new InputError(
    path,
    `the model gives ${Object.keys(outputs).join(', ')}, none of ${outputNames.map(([key]) => key).join(', ')}`,
    {
      hint: 'export it for feature-extraction or text-classification',
    },
  );
}
