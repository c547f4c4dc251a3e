/**
 * The description of a corpus, machines and training that `midtrain plan --cluster` reads: a strict schema, so that a key that is written wrong is
 * an error. Any figure may be written with how well it is known: `{ value: 0.3, evidence: summary, note: ... }`; a plain number is the writer's own.
 * docs/cluster.yaml is a whole one with a comment for every key.
 */
import { z } from 'zod';
import { amountSchema, evidenced } from '../core/evidenced.ts';
import { minHashPresets } from '../dedup/minhash-config.ts';
import { bytesPerSecondSchema, bytesSchema } from './byte-size.ts';
import { gpuKinds } from './gpu-kinds.ts';

const share = z
  .number({
    error: (issue) =>
      issue.input === undefined ? 'missing: a share from 0 to 1' : 'must be a share from 0 to 1',
  })
  .min(0, { error: 'must be a share from 0 to 1' })
  .max(1, { error: 'must be a share from 0 to 1' });
const shareAbove = share.gt(0, { error: 'must be a share above 0, up to 1' });
const positive = z.number().positive();
const whole = z.int().positive();
const wholeAmount = amountSchema.pipe(z.number().int({ error: 'must be a whole count' }));
const price = z.number().nonnegative();

const corpusSchema = z.strictObject({
  documents: evidenced(wholeAmount),
  pages: z.enum(['html', 'text']),
  /** Of content: HTML, or text in UTF-8, uncompressed. Default: the mean of the measured sample. */
  bytesPerDocument: evidenced(positive).optional(),
  /** Bytes on disk for a byte of content. Default: the measured sample's. */
  compression: evidenced(positive).optional(),
  /** Text of a document, UTF-8. Default: the measured sample's. */
  textBytesPerDocument: evidenced(positive).optional(),
});

const filterSchema = z.strictObject({
  /** A part of the name of one of the measured pipelines. Default: the first for this kind of pages. */
  pipeline: z.string().optional(),
  dedup: z.enum(['none', ...(Object.keys(minHashPresets) as (keyof typeof minHashPresets)[])]),
  /** Documents that no rule drops. Default: the sample's. */
  survivingShare: evidenced(share).optional(),
  /** Documents in clusters of two or more. */
  clusteredShare: evidenced(share),
  /** Survivors that go as copies. */
  duplicateShare: evidenced(share),
});

const refineSchema = z.strictObject({
  /** Of the kept documents. */
  share: evidenced(shareAbove),
  model: z.string(),
  /** Tokens written for a token read. */
  outputRatio: evidenced(positive),
  /** Tokens of the instructions, per document. */
  promptTokens: evidenced(z.number().nonnegative()),
  /** Tokens written a second by one GPU with requests enough, reading included. Left out: no hours are planned. */
  tokensPerSecondPerGpu: evidenced(positive).optional(),
});

const dataNodesSchema = z.strictObject({
  count: whole,
  cores: whole,
  memory: bytesSchema,
  disk: bytesPerSecondSchema.optional(),
  network: bytesPerSecondSchema.optional(),
  pricePerHour: price.optional(),
  /** Speed of one core against one of the measured machine. */
  coreSpeed: evidenced(positive).optional(),
});

const gpuNodesSchema = z.strictObject({
  count: whole,
  gpus: whole,
  kind: z.string(),
  /** 10^12 operations a second, bf16, dense. Needed for a kind that is not known. */
  peakTflops: positive.optional(),
  memory: bytesSchema.optional(),
  pricePerHour: price.optional(),
});

const phaseSchema = z.strictObject({
  name: z.string().min(1),
  tokens: evidenced(amountSchema),
  /** A recipe of `midtrain mix`, by name or file: then its sequences, repeats and bytes are planned as mix does. */
  recipe: z.string().optional(),
});

const trainingSchema = z.strictObject({
  /** A known model, or a Hugging Face folder with a config.json. */
  model: z.string(),
  sequenceLength: whole,
  batchTokens: evidenced(wholeAmount),
  phases: z.array(phaseSchema).min(1),
  /** Share of the data sheet's operations. Give this, or tokensPerSecondPerGpu, or neither for the published figure. */
  mfu: evidenced(shareAbove).optional(),
  tokensPerSecondPerGpu: evidenced(positive).optional(),
  /** Share of the time that the GPUs are held in which they train; the rest is restarts and failures. */
  availability: evidenced(shareAbove),
  checkpointEvery: whole,
  dp: whole.optional(),
  tp: whole.optional(),
  pp: whole.optional(),
  microBatch: whole.optional(),
  recompute: z.boolean().default(false),
});

const rlSchema = z.strictObject({
  steps: evidenced(whole),
  prompts: evidenced(whole),
  rollouts: evidenced(whole),
  promptTokens: evidenced(positive),
  responseTokens: evidenced(positive),
  /** Tokens that one GPU samples a second. Left out: no hours are planned. */
  tokensPerSecondPerGpu: evidenced(positive).optional(),
  /** Share of the data sheet's operations in the passes that train. */
  mfu: evidenced(shareAbove).optional(),
});

export const clusterSchema = z
  .strictObject({
    name: z.string().min(1),
    currency: z.string().min(1).default('USD'),
    corpus: corpusSchema.optional(),
    filter: filterSchema.optional(),
    /** Scores every document with a fastText classifier inside the first pass. */
    score: z.boolean().default(false),
    refine: refineSchema.optional(),
    /** UTF-8 bytes of text for a token. Default: the measured tokenizer's. */
    bytesPerToken: evidenced(positive).optional(),
    nodes: z.strictObject({ data: dataNodesSchema.optional(), gpu: gpuNodesSchema.optional() }),
    /** The file system that all nodes share, together. */
    storage: z
      .strictObject({
        bandwidth: bytesPerSecondSchema.optional(),
        /** Milliseconds to open a file. Default: what was measured on a local disk. */
        openMilliseconds: evidenced(positive).optional(),
      })
      .default({}),
    /** What a core among many does of what it did alone: linear scaling times this. */
    efficiency: evidenced(shareAbove),
    training: trainingSchema.optional(),
    rl: rlSchema.optional(),
  })
  .superRefine((value, context) => {
    const problem = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    const { corpus, filter, nodes, training, rl } = value;
    if (corpus === undefined && training === undefined && rl === undefined)
      problem([], 'nothing to plan: give corpus, training or rl');
    if (corpus !== undefined && nodes.data === undefined)
      problem(['nodes', 'data'], 'missing: a corpus is worked on by data nodes');
    if (corpus !== undefined && filter === undefined)
      problem(['filter'], 'missing: say what is done to the corpus');
    if (corpus === undefined)
      for (const key of ['filter', 'refine'] as const)
        if (value[key] !== undefined) problem([key], 'needs a corpus');
    if (corpus === undefined && value.score) problem(['score'], 'needs a corpus');
    if ((training !== undefined || rl !== undefined) && nodes.gpu === undefined)
      problem(['nodes', 'gpu'], 'missing: training needs GPU nodes');
    if (rl !== undefined && training === undefined)
      problem(['rl'], 'needs training, whose model it goes on with');
    if (training?.mfu !== undefined && training.tokensPerSecondPerGpu !== undefined)
      problem(
        ['training', 'mfu'],
        'stands beside tokensPerSecondPerGpu, and each decides the other: give one',
      );
    const names = training?.phases.map(({ name }) => name) ?? [];
    names.forEach((name, i) => {
      if (names.indexOf(name) < i)
        problem(['training', 'phases', String(i), 'name'], `"${name}" is the name of an earlier phase`);
    });
    if (training?.phases.some(({ recipe }) => recipe !== undefined) === true && nodes.data === undefined)
      problem(['nodes', 'data'], 'missing: mixtures are made on data nodes');
    const gpu = nodes.gpu;
    if (gpu !== undefined && !gpuKinds.some(({ name }) => name === gpu.kind))
      for (const key of ['peakTflops', 'memory'] as const)
        if (gpu[key] === undefined)
          problem(
            ['nodes', 'gpu', key],
            `missing: ${gpu.kind} is none of the known kinds (${gpuKinds.map(({ name }) => name).join(', ')}; capitals count), so give its figures`,
          );
  });

export type ClusterDescription = z.output<typeof clusterSchema>;
export type Training = NonNullable<ClusterDescription['training']>;
