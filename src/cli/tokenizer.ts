/** `midtrain tokenizer train`: a byte-level BPE vocabulary of one's own, as a tokenizer.json that transformers reads. */
import { exitCodes, InterruptedError, UserError } from '../core/errors.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { choiceValue, integerValue, listValue } from './parse.ts';

const train: Command = {
  name: 'train',
  summary: 'train a byte-level BPE vocabulary on text files',
  description:
    'Reads Parquet, JSONL (plain, gzip, zstd), JSON arrays, text files, or the kept pages of a filter run, and writes tokenizer.json and ' +
    'tokenizer_config.json. The result is the one that the trainer of Hugging Face tokenizers gives for the same text; equal input, equal file.',
  arguments: [
    { name: 'inputs', description: 'files or folders with a text column', required: true, variadic: true },
  ],
  options: [
    {
      flags: '--vocab-size <number>',
      description: 'tokens in all; left out, one token per byte and no merges',
      parse: integerValue({ min: 1 }),
    },
    { flags: '-o, --out <folder>', description: 'where to write', default: 'tokenizer' },
    {
      flags: '--text-column <name>',
      description: 'column to take the text from; may be repeated',
      parse: listValue(),
    },
    {
      flags: '--pre-tokenizer <name>',
      description:
        'how words are cut: gpt2, llama3 (digits in threes), qwen2 (digits alone), digits (as gpt2, digits alone)',
      default: 'digits',
      parse: choiceValue(['gpt2', 'llama3', 'qwen2', 'digits']),
    },
    {
      flags: '--min-frequency <number>',
      description: 'pairs that occur less often are not merged',
      default: 2,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--special-token <token>',
      description: 'a token of its own; may be repeated (default: <|endoftext|>)',
      parse: listValue(),
    },
    {
      flags: '--alphabet <bytes|seen>',
      description:
        'bytes: all 256, nothing is ever unknown; seen: only those that occur, any other becomes <unk>',
      default: 'bytes',
      parse: choiceValue(['bytes', 'seen']),
    },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain tokenizer train --vocab-size 512 --out tokenizer README.md',
      what: 'a small vocabulary from a text file',
    },
    {
      command:
        'midtrain tokenizer train --vocab-size 4096 --text-column question --text-column answer problems.jsonl',
      what: 'from two columns of a file of your own',
    },
  ],
  run,
};

export const command: Command = {
  name: 'tokenizer',
  summary: 'train a vocabulary of your own',
  examples: train.examples,
  subcommands: [train],
  run: () =>
    Promise.reject(
      new UserError('midtrain tokenizer needs a command: train', {
        hint: 'see "midtrain tokenizer train --help"',
      }),
    ),
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const { resolve } = await import('node:path');
  const { trainBpe } = await import('../tokens/bpe-train.ts');
  const { saveTokenizerFiles } = await import('../tokens/tokenizer-files.ts');
  const { prepareSource, readSourceTexts } = await import('../stages/source-texts.ts');
  const { emptyLedger } = await import('../core/ledger.ts');
  const columns = (options.textColumn as string[] | undefined) ?? ['text'];
  const started = Date.now();
  const ledger = emptyLedger();
  const failures: { file: string; place?: string; problem: string }[] = [];
  const prepared = await prepareSource({
    name: 'inputs',
    role: 'general',
    template: 'text',
    columns: { text: columns },
    format: 'auto',
    card: undefined,
    data: {
      kind: 'files',
      paths: args.map((path) => (path.startsWith('hf://') ? path : resolve(context.cwd, path))),
    },
  });
  context.emit({ kind: 'start', task: 'train tokenizer', total: prepared.bytes, unit: 'bytes' });
  async function* texts(): AsyncGenerator<string> {
    const progress = (done: number) =>
      context.emit({ kind: 'progress', task: 'train tokenizer', done, total: prepared.bytes, unit: 'bytes' });
    for await (const { text } of readSourceTexts(prepared, ledger, failures, { progress })) {
      if (context.signal.aborted) throw new InterruptedError();
      yield text;
    }
  }
  const trained = await trainBpe(texts(), {
    ...(options.vocabSize === undefined ? {} : { vocabSize: options.vocabSize as number }),
    minFrequency: options.minFrequency as number,
    preTokenizer: options.preTokenizer as 'digits',
    alphabet: options.alphabet as 'bytes',
    ...(options.specialToken === undefined ? {} : { specialTokens: options.specialToken as string[] }),
    signal: context.signal,
  }).catch((error: unknown) => {
    throw context.signal.aborted ? new InterruptedError() : error;
  });
  const out = resolve(context.cwd, options.out as string);
  await saveTokenizerFiles(trained.files, out);
  const seconds = (Date.now() - started) / 1000;
  context.emit({
    kind: 'end',
    task: 'train tokenizer',
    done: prepared.bytes,
    unit: 'bytes',
    seconds,
    numbers: { vocabulary: trained.vocabSize },
  });
  for (const { file, place, problem } of failures) {
    context.emit({
      kind: 'message',
      level: 'warn',
      text: `${file}${place === undefined ? '' : ` (${place})`}: ${problem}`,
    });
  }
  const { vocabSize, merges, documents, characters, ranOut } = trained;
  if (ranOut)
    context.emit({
      kind: 'message',
      level: 'warn',
      text: `only ${vocabSize} tokens: the texts have no more pairs that occur ${String(options.minFrequency)} times`,
    });
  context.write(
    context.json
      ? `${JSON.stringify({ out, vocabSize, merges, documents, characters, fingerprint: trained.files.fingerprint, seconds, failures }, null, 2)}\n`
      : `${out}: ${vocabSize} tokens (${merges} merges) from ${documents} documents, ${characters} characters, in ${seconds.toFixed(1)} s\n`,
  );
  return failures.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
}
