/** `midtrain generate`: text from a checkpoint. */
import { exitCodes } from '../core/errors.ts';
import { type Command, jsonOption } from './command.ts';
import { integerValue, listValue, numberValue } from './parse.ts';
import { withGpu } from './with-gpu.ts';
import { writeResult } from './write-result.ts';

export const command: Command = {
  name: 'generate',
  summary: 'continue a text with a model',
  arguments: [
    { name: 'model', description: 'checkpoint, Hugging Face folder, or hf://owner/name', required: true },
  ],
  options: [
    { flags: '--prompt <text>', description: 'text to continue (default: start of a document)' },
    {
      flags: '--max-tokens <n>',
      description: 'most tokens to write',
      default: 100,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--temperature <t>',
      description: '0 takes the likeliest token each time',
      default: 1,
      parse: numberValue({ min: 0 }),
    },
    {
      flags: '--top-k <n>',
      description: 'draw from the n likeliest tokens (0: all)',
      default: 0,
      parse: integerValue({ min: 0 }),
    },
    {
      flags: '--top-p <share>',
      description: 'draw from the likeliest tokens that hold this share together',
      default: 1,
      parse: numberValue({ min: 1e-6, max: 1 }),
    },
    {
      flags: '--min-p <share>',
      description: 'draw from tokens at least this share as likely as the likeliest',
      default: 0,
      parse: numberValue({ min: 0, max: 1 }),
    },
    {
      flags: '--stop <text>',
      description: 'text that ends a sample; may be repeated',
      default: [],
      parse: listValue(),
    },
    {
      flags: '--samples <n>',
      description: 'how many continuations',
      default: 1,
      parse: integerValue({ min: 1, max: 1024 }),
    },
    { flags: '--seed <n>', description: 'decides the samples', default: 0, parse: integerValue({ min: 0 }) },
    jsonOption,
  ],
  examples: [
    {
      command:
        'midtrain generate runs/demo/grpo/checkpoints/step-0000040 --prompt "Question:2+6-8+3\nAnswer:" --max-tokens 32 --samples 3',
      what: 'three answers of the model that `midtrain demo` left behind',
    },
    {
      command:
        'midtrain generate runs/demo/train/decay/checkpoints/step-0000620 --temperature 0 --max-tokens 60',
      what: 'the likeliest document',
    },
  ],
  async run(context, args, options) {
    const { generate } = await import('../../trainer/sampler/generate.ts');
    const { printable } = await import('../core/printable.ts');
    const { modelFolder } = await import('./hub-config.ts');
    const folder = await modelFolder(context, args[0]!);
    const texts = await withGpu((gpu) =>
      generate(gpu, folder, {
        prompt: unescaped((options.prompt as string | undefined) ?? ''),
        maxTokens: options.maxTokens as number,
        sampling: {
          temperature: options.temperature as number,
          top_k: options.topK as number,
          top_p: options.topP as number,
          min_p: options.minP as number,
        },
        stops: (options.stop as string[]).map(unescaped),
        samples: options.samples as number,
        seed: options.seed as number,
        signal: context.signal,
      }),
    );
    writeResult(context, texts, texts.map(({ text }) => `${printable(text)}\n`).join('---\n'));
    return exitCodes.done;
  },
};

/** Shells make a line break hard to type. */
function unescaped(text: string): string {
  return text.replaceAll('\\n', '\n');
}
