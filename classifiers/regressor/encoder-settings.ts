/** What turns a text into an embedding or a score: part of a model's description, and all that decides its numbers but the weights. */
import { z } from 'zod';

/** The poolings of sentence-transformers that need no weights of their own. */
const poolings = ['mean', 'cls', 'lasttoken'] as const;
export type Pooling = (typeof poolings)[number];

/** Where a model runs. `auto`: the first of cuda, dml and webgpu that the machine has, else cpu (`devicesToTry`). */
export const devices = ['auto', 'cpu', 'cuda', 'dml', 'coreml', 'webgpu'] as const;
export type Device = (typeof devices)[number];

/** Which of the ONNX files of the folder: onnx/model.onnx, model_fp16.onnx, model_quantized.onnx, ... (names of transformers.js). */
export const dtypes = ['fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4', 'q4f16', 'bnb4'] as const;
export type EncoderDtype = (typeof dtypes)[number];

export const encoderSettingsSchema = z.strictObject({
  /** A folder in the Hugging Face layout: config.json, tokenizer.json, onnx/model.onnx (or model.onnx). */
  model: z.string().min(1),
  /** Default: what 1_Pooling/config.json says, else `mean`. Not used by a model that gives scores. */
  pooling: z.enum(poolings).optional(),
  /** Scale embeddings to length 1. Default: whether modules.json has a Normalize module. */
  normalize: z.boolean().optional(),
  /** Tokens of a text that are read, special ones included; never more than the model has positions. */
  maxLength: z.int().min(8).max(8192).default(512),
  /** `head`: the text from its beginning; `centre`: of a text above 20,000 characters the middle 20,000 (NeMo Curator's FineMath stage). */
  crop: z.enum(['head', 'centre']).default('head'),
  /** Put before every text (`query: ` for the E5 models). */
  prefix: z.string().default(''),
  dtype: z.enum(dtypes).default('fp32'),
  /** Of the files that decide the numbers (`encoderFingerprint`); a head is of use with the encoder it was trained on only. */
  fingerprint: z.string().optional(),
});

export type EncoderSettings = z.output<typeof encoderSettingsSchema>;

/** Settings with what is left out filled in. */
export function encoderSettings(settings: z.input<typeof encoderSettingsSchema>): EncoderSettings {
  return encoderSettingsSchema.parse(settings);
}
