/** `midtrain classify train`: a quality classifier from labelled documents. Maps flags to src/stages/classify-train.ts. */
import { exitCodes } from '../core/errors.ts';
import {
  labelledOf,
  labelledOptions,
  thresholdOf,
  thresholdOptions,
  tokenizerAt,
} from './classify-inputs.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { choiceValue, integerValue, numberValue, shareValue, wordsValue } from './parse.ts';

/** Settings of training by fastText's own names, and MegaMath's values. */
const fastTextNumbers = {
  dim: { description: 'size of word vectors', default: 256, parse: integerValue({ min: 1 }) },
  lr: { description: 'learning rate', default: 0.1, parse: numberValue({ min: 0 }) },
  wordNgrams: { description: 'longest word n-gram', default: 3, parse: integerValue({ min: 1 }) },
  minCount: {
    description: 'words that occur less often are left out',
    default: 3,
    parse: integerValue({ min: 1 }),
  },
  epoch: { description: 'passes over the documents', default: 3, parse: integerValue({ min: 1 }) },
  bucket: {
    description: 'rows that word n-grams and subwords are hashed into',
    default: 2_000_000,
    parse: integerValue({ min: 0 }),
  },
  minn: {
    description: 'shortest subword in characters; 0: no subwords',
    default: 0,
    parse: integerValue({ min: 0 }),
  },
  maxn: { description: 'longest subword', default: 0, parse: integerValue({ min: 0 }) },
} as const;

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const trainCommand: Command = {
  name: 'train',
  summary: 'train a fastText classifier or a regressor on labelled documents',
  description:
    'Takes rows with scores (--labels, as "classify label" writes them) or whole inputs (--positive, --negative), and writes a model folder: weights that the ' +
    'reference fastText loads, the training record, what was held out, and its evaluation as a page. Whole sources are held out to measure how the ' +
    'classifier does out of distribution, and a share of the documents of the others. Documents with equal texts are used once. The same command ' +
    'with the same seed gives the same bytes.',
  options: [
    ...labelledOptions,
    {
      flags: '--kind <kind>',
      description: 'fasttext, or regressor: a head on frozen sentence embeddings',
      default: 'fasttext',
      parse: choiceValue(['fasttext', 'regressor']),
    },
    {
      flags: '--held-out <share>',
      description: 'share of the documents of each source to hold out',
      default: 0.1,
      parse: shareValue(),
    },
    {
      flags: '--held-out-sources <names>',
      description: 'sources to hold out whole, joined by commas; may be repeated',
      parse: wordsValue(),
    },
    {
      flags: '--held-out-sources-share <share>',
      description: 'without names: share of the sources to hold out whole',
      default: 0.2,
      parse: shareValue(),
    },
    {
      flags: '--balance <how>',
      description: 'none, downsample (cut the larger class) or oversample (repeat the smaller)',
      default: 'none',
      parse: choiceValue(['none', 'downsample', 'oversample']),
    },
    {
      flags: '--per-class <n>',
      description: 'train on at most so many documents of each class',
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--encoder <model>',
      description:
        'of a regressor: the sentence-embedding model, a folder with ONNX weights or hf://owner/name',
    },
    {
      flags: '--max-length <tokens>',
      description: 'of a regressor: tokens of a text that are read (default: 512)',
      parse: integerValue({ min: 8 }),
    },
    {
      flags: '--prefix <text>',
      description: 'of a regressor: put before every text, such as "query: " for E5 models',
    },
    {
      flags: '--head <method>',
      description: 'of a regressor: ridge (in closed form) or adamw',
      default: 'ridge',
      parse: choiceValue(['ridge', 'adamw']),
    },
    {
      flags: '--prepare <how>',
      description: "megamath: MegaMath's normalisation (usual for fastText); none: texts as they are",
      parse: choiceValue(['megamath', 'none']),
    },
    {
      flags: '--newline <how>',
      description: 'what a line end becomes: space or remove',
      default: 'space',
      parse: choiceValue(['space', 'remove']),
    },
    {
      flags: '--unit <unit>',
      description: 'what is scored later on: document, paragraph or sentence (the best one counts)',
      default: 'document',
      parse: choiceValue(['document', 'paragraph', 'sentence']),
    },
    ...Object.entries(fastTextNumbers).map(([name, option]) => ({
      flags: `--${kebab(name)} <n>`,
      ...option,
    })),
    {
      flags: '--loss <loss>',
      description: 'softmax, hs (hierarchical), ns (negative sampling) or ova (one against all)',
      default: 'softmax',
      parse: choiceValue(['softmax', 'hs', 'ns', 'ova']),
    },
    {
      flags: '--seed <n>',
      description: 'decides what is held out, and the training',
      default: 0,
      parse: integerValue({ min: 0 }),
    },
    ...thresholdOptions,
    {
      flags: '--tokenizer <path>',
      description: 'count tokens with this tokenizer.json (default: bytes / 4)',
    },
    { flags: '--keep-lines', description: 'keep the training set in the format of fastText, train.txt' },
    { flags: '-o, --out <folder>', description: 'the model folder', default: 'models/classifier' },
    { flags: '--overwrite', description: 'replace a classifier that lies there' },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain classify train --labels labels.parquet --positive-min 3 --out models/math',
      what: 'from scores of 0 to 5: 3 and more are positive',
    },
    {
      command:
        'midtrain classify train --positive runs/math --negative c4.jsonl --held-out-sources arxiv,wikipedia --out models/math',
      what: 'from two corpora, with two sources held out whole',
    },
    {
      command:
        'midtrain classify train --labels labels.parquet --source-by site --balance downsample --target-recall 0.95 --seed 1',
      what: 'split by site, equal classes, a threshold that keeps 95 % of the positives',
    },
    {
      command:
        'midtrain classify train --kind regressor --encoder models/multilingual-e5-small --prefix "query: " --labels labels.parquet --out models/finemath',
      what: "a regressor in the manner of FineMath's",
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  _args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [{ resolve }, { trainClassifier }, { trainText }] = await Promise.all([
    import('node:path'),
    import('../stages/classify-train.ts'),
    import('./classify-text.ts'),
  ]);
  const encoderPath = (path: string): string => (path.includes('://') ? path : resolve(context.cwd, path));
  const settings = Object.fromEntries(
    [...Object.keys(fastTextNumbers), 'loss'].map((name) => [name, options[name]]),
  );
  const result = await trainClassifier({
    kind: options.kind as 'fasttext' | 'regressor',
    labelled: labelledOf(context.cwd, options),
    split: {
      seed: options.seed as number,
      heldOutSources: (options.heldOutSources as string[] | undefined) ?? [],
      heldOutSourceShare: options.heldOutSourcesShare as number,
      heldOutShare: options.heldOut as number,
      balance: options.balance as 'none',
      perClass: (options.perClass as number | undefined) ?? null,
    },
    settings,
    labels: { positive: 'positive', negative: 'negative' },
    regressor:
      options.encoder === undefined
        ? undefined
        : {
            encoder: encoderPath(options.encoder as string),
            maxLength: options.maxLength as number | undefined,
            prefix: options.prefix as string | undefined,
            method: options.head as 'ridge',
          },
    prepare: (options.prepare as 'none' | undefined) ?? (options.kind === 'fasttext' ? 'megamath' : 'none'),
    newline: options.newline as 'space',
    unit: options.unit as 'document',
    threshold: thresholdOf(options, { by: 'max-f1' }),
    tokenizer:
      options.tokenizer === undefined ? null : await tokenizerAt(context, options.tokenizer as string),
    out: resolve(context.cwd, options.out as string),
    keepLines: options.keepLines === true,
    overwrite: options.overwrite === true,
    emit: context.emit,
    signal: context.signal,
  });
  for (const warning of result.warnings) context.emit({ kind: 'message', level: 'warn', text: warning });
  const { folder, record, evaluation, ledger, failures } = result;
  context.write(
    context.json
      ? `${JSON.stringify({ out: folder.path, classifier: folder.description, record, evaluation: evaluation ?? null, ledger, failures }, null, 2)}\n`
      : trainText(result),
  );
  return failures.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
}
