/**
 * Converts karpathy/llama2.c's format (model .bin version 0 and tokenizer .bin) to a Hugging Face folder.
 *
 * The model file: seven int32 (dim, hidden, layers, heads, kv heads, vocab, positions; a negative vocab means an untied head), then
 * f32 tensors, each kind for all layers in a row. llama2.c rotates neighbouring pairs (2i, 2i + 1); Hugging Face rotates (i, i + half),
 * so the rows of Wq and Wk are reordered within each head.
 * The tokenizer file: int32 longest piece, then per piece f32 score, int32 length, bytes. It is sentencepiece BPE: pieces are merged by
 * best score, unknown characters fall back to bytes; as merges, that is every split of a piece into two pieces, best score first.
 */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../../src/core/errors.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { writeSafetensors } from '../../src/io/write-safetensors.ts';
import type { ModelConfig } from '../model/config.ts';
import { hfConfigText } from '../model/hf-config.ts';

export interface Llama2cModel {
  config: ModelConfig;
  /** Values by Hugging Face name. */
  weights: Map<string, Float32Array>;
}

/** Reads a llama2.c version 0 model file. */
export async function readLlama2cModel(file: string): Promise<Llama2cModel> {
  const raw = await readFile(file);
  if (raw.length < 28) throw new InputError(file, `${raw.length} bytes are too few for a llama2.c model`);
  const header = new Int32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + 28));
  const [dim, hidden, layers, heads, kvHeads, vocab, positions] = header as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (
    [dim, hidden, layers, heads, kvHeads, positions].some((n) => n <= 0 || n > 1 << 20) ||
    vocab === 0 ||
    heads % kvHeads !== 0 ||
    dim % heads !== 0
  ) {
    throw new InputError(file, `header ${[...header].join(', ')} is not one of llama2.c's version 0`, {
      place: 'byte 0',
      hint: 'newer export versions (magic "ak42") are not read',
    });
  }
  const headDim = dim / heads;
  const config: ModelConfig = {
    vocabSize: Math.abs(vocab),
    dim,
    layers,
    heads,
    kvHeads,
    headDim,
    hidden,
    maxPositions: positions,
    ropeTheta: 10000,
    normEps: 1e-5,
    tiedHead: vocab > 0,
    bosId: 1,
    eosId: 2,
  };
  const floats = new Float32Array(
    raw.buffer.slice(raw.byteOffset + 28, raw.byteOffset + raw.length - ((raw.length - 28) % 4)),
  );
  let at = 0;
  const take = (n: number, what: string): Float32Array => {
    if (at + n > floats.length)
      throw new InputError(file, `ends inside ${what}`, {
        place: `byte ${raw.length}`,
        hint: 'the file is truncated',
      });
    at += n;
    return floats.slice(at - n, at);
  };
  const weights = new Map<string, Float32Array>();
  const perLayer = (
    name: string,
    size: number,
    change: (values: Float32Array) => Float32Array = (v) => v,
  ) => {
    for (let i = 0; i < layers; i++)
      weights.set(`model.layers.${i}.${name}.weight`, change(take(size, name)));
  };
  const kvDim = kvHeads * headDim;
  weights.set('model.embed_tokens.weight', take(config.vocabSize * dim, 'token embedding'));
  perLayer('input_layernorm', dim);
  perLayer('self_attn.q_proj', dim * dim, (w) => pairsToHalves(w, heads, headDim, dim));
  perLayer('self_attn.k_proj', kvDim * dim, (w) => pairsToHalves(w, kvHeads, headDim, dim));
  perLayer('self_attn.v_proj', kvDim * dim);
  perLayer('self_attn.o_proj', dim * dim);
  perLayer('post_attention_layernorm', dim);
  perLayer('mlp.gate_proj', hidden * dim);
  perLayer('mlp.down_proj', dim * hidden);
  perLayer('mlp.up_proj', hidden * dim);
  weights.set('model.norm.weight', take(dim, 'final norm'));
  take(positions * headDim, 'rotary tables'); // cos and sin, recomputed here
  if (!config.tiedHead) weights.set('lm_head.weight', take(config.vocabSize * dim, 'head'));
  return { config, weights };
}

/** Row (2i, 2i + 1) of each head becomes row (i, i + headDim / 2). w: (heads * headDim, inputs). */
function pairsToHalves(w: Float32Array, heads: number, headDim: number, inputs: number): Float32Array {
  const out = new Float32Array(w.length);
  for (let head = 0; head < heads; head++) {
    for (let i = 0; i < headDim; i++) {
      const source = head * headDim + (i % (headDim / 2)) * 2 + Math.floor(i / (headDim / 2));
      out.set(w.subarray(source * inputs, (source + 1) * inputs), (head * headDim + i) * inputs);
    }
  }
  return out;
}

/** A Hugging Face tokenizer.json (sentencepiece BPE with byte fallback) from a llama2.c tokenizer file. */
export async function readLlama2cTokenizer(
  file: string,
  vocabSize: number,
): Promise<Record<string, unknown>> {
  const raw = await readFile(file);
  const pieces: { piece: string; score: number; id: number }[] = [];
  let at = 4;
  for (let id = 0; id < vocabSize; id++) {
    if (at + 8 > raw.length)
      throw new InputError(file, `ends at piece ${id} of ${vocabSize}`, {
        place: `byte ${at}`,
        hint: 'the tokenizer does not belong to the model',
      });
    const score = raw.readFloatLE(at);
    const length = raw.readInt32LE(at + 4);
    if (length < 0 || at + 8 + length > raw.length)
      throw new InputError(file, `piece ${id} has length ${length}`, { place: `byte ${at + 4}` });
    const text = raw.toString('utf8', at + 8, at + 8 + length);
    // llama2.c writes its control pieces with line breaks around them, and spaces for the sentencepiece space mark.
    const piece = id < 3 ? ['<unk>', '<s>', '</s>'][id]! : text.replaceAll(' ', '\u2581');
    pieces.push({ piece, score, id });
    at += 8 + length;
  }
  const vocab = Object.fromEntries(pieces.map(({ piece, id }) => [piece, id]));
  const merges: { pair: [string, string]; score: number }[] = [];
  for (const { piece, score, id } of pieces) {
    if (id < 259) continue; // control pieces and byte fallbacks are never merged
    const letters = [...piece];
    for (let cut = 1; cut < letters.length; cut++) {
      const pair: [string, string] = [letters.slice(0, cut).join(''), letters.slice(cut).join('')];
      if (vocab[pair[0]] !== undefined && vocab[pair[1]] !== undefined) merges.push({ pair, score });
    }
  }
  merges.sort((a, b) => b.score - a.score || vocab[a.pair[0]]! - vocab[b.pair[0]]!);
  const special = (id: number, content: string) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(0, '<unk>'), special(1, '<s>'), special(2, '</s>')],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '\u2581' },
        { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab,
      merges: merges.map(({ pair }) => pair),
    },
  };
}

/** Writes the Hugging Face folder of a llama2.c model and, when given, its tokenizer. */
export async function convertLlama2c(
  modelFile: string,
  tokenizerFile: string | undefined,
  out: string,
): Promise<ModelConfig> {
  const { config, weights } = await readLlama2cModel(modelFile);
  await mkdir(out, { recursive: true });
  if (tokenizerFile !== undefined) {
    const tokenizer = await readLlama2cTokenizer(tokenizerFile, config.vocabSize);
    await writeFileAtomic(path.join(out, 'tokenizer.json'), `${JSON.stringify(tokenizer, null, 1)}\n`);
    const settings = {
      tokenizer_class: 'LlamaTokenizer',
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      add_bos_token: true,
      model_max_length: config.maxPositions,
    };
    await writeFileAtomic(path.join(out, 'tokenizer_config.json'), `${JSON.stringify(settings, null, 2)}\n`);
  }
  const tensors = [...weights].map(([name, values]) => ({
    name,
    shape: shapeOf(name, values.length, config),
  }));
  await writeSafetensors(path.join(out, 'model.safetensors'), tensors, async (name, first, size) =>
    weights.get(name)!.subarray(first, first + size),
  );
  await writeFileAtomic(path.join(out, 'config.json'), hfConfigText(config));
  return config;
}

function shapeOf(name: string, size: number, config: ModelConfig): number[] {
  if (/norm\.weight$/.test(name)) return [size];
  const inputs = /down_proj/.test(name) ? config.hidden : config.dim;
  return [size / inputs, inputs];
}
