/**
 * A model folder in the Hugging Face layout: which ONNX file it has, how its embeddings are pooled, how many tokens it takes. Reads the
 * small JSON files only; open-encoder.ts opens the model.
 *
 * Both places are known where exporters put the graph: onnx/model.onnx (transformers.js, the Hub) and model.onnx (optimum's command line).
 * Source: sentence-transformers 5 (modules.json, 1_Pooling/config.json, sentence_bert_config.json), transformers' config.json.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../src/core/errors.ts';
import { hash64Hex, initHash64 } from '../../src/core/hash64.ts';
import { fingerprintFile } from '../../src/io/file-hash.ts';
import { readJsonFile } from '../../src/io/json-file.ts';
import type { EncoderDtype, EncoderSettings, Pooling } from './encoder-settings.ts';

export interface EncoderFolder {
  path: string;
  /** `onnx` or '': where the graph is. */
  subfolder: string;
  pooling: Pooling;
  normalize: boolean;
  /** Tokens, special ones included. */
  maxLength: number;
  /** config.json names a sequence classification model. */
  classifies: boolean;
  /** `num_labels` of a sequence classification model, where config.json says it. */
  outputs: number | undefined;
  /** Files that decide the numbers, relative to `path`. */
  files: string[];
}

/** What the dtype's file is called after `model`, as transformers.js names them. */
const suffixes: Readonly<Record<EncoderDtype, string>> = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
};

/** Paths that may be needed of a repository on the Hub: what `readEncoderFolder` and transformers.js look at, for one dtype. */
export function isEncoderFile(path: string, dtype: EncoderDtype): boolean {
  const graph = `model${suffixes[dtype]}.onnx`;
  return (
    /^(config|tokenizer|tokenizer_config|special_tokens_map|modules|sentence_bert_config)\.json$/.test(
      path,
    ) ||
    /^\d+_Pooling\/config\.json$/.test(path) ||
    new RegExp(`^(onnx/)?${graph.replace('.', '\\.')}(_data(_\\d+)?|\\.data)?$`).test(path)
  );
}

/** Reads the folder and applies the settings over it. Throws an `InputError` that names what is missing. */
export async function readEncoderFolder(settings: EncoderSettings): Promise<EncoderFolder> {
  const { model: path, dtype } = settings;
  for (const name of ['config.json', 'tokenizer.json']) {
    if (!existsSync(join(path, name)))
      throw new InputError(path, `no ${name}: this is no model folder in the Hugging Face layout`, {
        hint: 'give a folder with config.json, tokenizer.json and onnx/model.onnx',
      });
  }
  const graph = `model${suffixes[dtype]}.onnx`;
  const subfolder = ['onnx', ''].find((folder) => existsSync(join(path, folder, graph)));
  if (subfolder === undefined) {
    throw new InputError(path, `there is no onnx/${graph} and no ${graph}`, {
      hint: 'export the weights to ONNX, for example: optimum-cli export onnx --model <name> <folder>',
    });
  }
  const config = await object(path, 'config.json');
  const pool = await object(path, '1_Pooling/config.json');
  const sentence = await object(path, 'sentence_bert_config.json');
  const modules = existsSync(join(path, 'modules.json'))
    ? await readJsonFile(join(path, 'modules.json'))
    : [];
  const architectures = Array.isArray(config.architectures) ? config.architectures.map(String) : [];
  const limits = [settings.maxLength, positionsOf(config), positive(sentence.max_seq_length)];
  return {
    path,
    subfolder,
    pooling: settings.pooling ?? poolingOf(join(path, '1_Pooling', 'config.json'), pool),
    normalize: settings.normalize ?? (Array.isArray(modules) && modules.some(isNormalize)),
    maxLength: Math.min(...limits.filter((limit) => limit !== undefined)),
    classifies: architectures.some((name) => name.endsWith('ForSequenceClassification')),
    outputs: labelsOf(config),
    files: [
      'config.json',
      'tokenizer.json',
      ...['tokenizer_config.json', 'special_tokens_map.json', '1_Pooling/config.json', 'modules.json'],
      'sentence_bert_config.json',
      ...['', '_data', '.data'].map((suffix) => join(subfolder, `${graph}${suffix}`)),
    ].filter((file) => existsSync(join(path, file))),
  };
}

/** 16 hex digits over the files that decide an encoder's numbers and the settings that do. */
export async function encoderFingerprint(settings: EncoderSettings): Promise<string> {
  await initHash64();
  const folder = await readEncoderFolder(settings);
  const parts: unknown[] = [
    folder.pooling,
    folder.normalize,
    folder.maxLength,
    settings.crop,
    settings.prefix,
  ];
  for (const file of folder.files) {
    if (/config|modules/.test(file)) continue;
    parts.push(file.replace(/^onnx\//, ''), (await fingerprintFile(join(folder.path, file))).fingerprint);
  }
  return hash64Hex(Buffer.from(JSON.stringify(parts)));
}

async function object(folder: string, name: string): Promise<Record<string, unknown>> {
  const file = join(folder, name);
  if (!existsSync(file)) return {};
  const value = await readJsonFile(file);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(file, 'not a JSON object');
  return value as Record<string, unknown>;
}

function poolingOf(file: string, config: Record<string, unknown>): Pooling {
  const chosen = Object.entries(config).filter(([key, on]) => key.startsWith('pooling_mode_') && on === true);
  const known: Readonly<Record<string, Pooling>> = {
    pooling_mode_mean_tokens: 'mean',
    pooling_mode_cls_token: 'cls',
    pooling_mode_lasttoken: 'lasttoken',
  };
  if (chosen.length === 0) return 'mean';
  const pooling = chosen.length === 1 ? known[chosen[0]![0]] : undefined;
  if (pooling === undefined) {
    throw new InputError(
      file,
      `the pooling ${chosen.map(([key]) => key).join(' and ')} is not one of mean, cls and lasttoken`,
      {
        hint: 'set pooling in the encoder settings, or use another encoder',
      },
    );
  }
  return pooling;
}

const isNormalize = (module: unknown): boolean =>
  String((module as { type?: unknown } | null)?.type).endsWith('Normalize');

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function positionsOf(config: Record<string, unknown>): number | undefined {
  const positions = positive(config.max_position_embeddings);
  // RoBERTa and its kin count positions from the padding id + 1, so two of 514 are never used.
  const offset = /roberta|camembert|xlm|mpnet/.test(String(config.model_type)) ? 2 : 0;
  return positions === undefined || positions <= offset ? undefined : positions - offset;
}

function labelsOf(config: Record<string, unknown>): number | undefined {
  const names = config.id2label;
  if (typeof names === 'object' && names !== null) return Object.keys(names).length;
  return positive(config.num_labels);
}
