/** `midtrain convert`: foreign weights to a Hugging Face folder, and a Hugging Face folder to another type of numbers. */
import { exitCodes } from '../core/errors.ts';
import { type Command, jsonOption } from './command.ts';
import { amountValue, choiceValue } from './parse.ts';

const llama2c: Command = {
  name: 'llama2c',
  summary: "karpathy/llama2.c's .bin model (and tokenizer) to a Hugging Face folder",
  arguments: [
    { name: 'model', description: 'model .bin, version 0', required: true },
    { name: 'out', description: 'folder to write', required: true },
  ],
  options: [{ flags: '--tokenizer <file>', description: "llama2.c's tokenizer .bin" }, jsonOption],
  examples: [
    {
      command: 'midtrain convert llama2c stories260K.bin stories260K --tokenizer tok512.bin',
      what: 'writes config.json, model.safetensors, tokenizer.json',
    },
  ],
  async run(context, args, options) {
    const { resolve } = await import('node:path');
    const { localPlace } = await import('./hub-config.ts');
    const { convertLlama2c } = await import('../../trainer/convert/convert-llama2c.ts');
    const tokenizer = options.tokenizer as string | undefined;
    const out = resolve(context.cwd, args[1]!);
    const config = await convertLlama2c(
      await localPlace(context, args[0]!),
      tokenizer === undefined ? undefined : await localPlace(context, tokenizer),
      out,
    );
    context.write(
      context.json
        ? `${JSON.stringify({ out, config }, null, 2)}\n`
        : `written: ${out} (${config.layers} layers, width ${config.dim}, vocabulary ${config.vocabSize})\n`,
    );
    return exitCodes.done;
  },
};

const hf: Command = {
  name: 'hf',
  summary: 'a Hugging Face folder (or a checkpoint) in another type of numbers, or in shards',
  arguments: [
    {
      name: 'folder',
      description: 'folder with config.json and safetensors, or hf://owner/name',
      required: true,
    },
    { name: 'out', description: 'folder to write', required: true },
  ],
  options: [
    {
      flags: '--dtype <type>',
      description: 'f32, bf16 or f16 (default: bf16)',
      parse: choiceValue(['f32', 'bf16', 'f16']),
    },
    {
      flags: '--shard-bytes <bytes>',
      description: 'most bytes of one weights file, such as 2000M',
      parse: amountValue,
    },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain convert hf runs/small/decay/checkpoints/step-0000050 small-bf16',
      what: 'half the size, for other tools',
    },
  ],
  async run(context, args, options) {
    const { resolve } = await import('node:path');
    const { modelFolder } = await import('./hub-config.ts');
    const { convertFolder } = await import('../../trainer/convert/convert-folder.ts');
    const out = resolve(context.cwd, args[1]!);
    const dtype = ((options.dtype as string | undefined) ?? 'bf16').toUpperCase() as 'F32' | 'F16' | 'BF16';
    const shardBytes = options.shardBytes as number | undefined;
    const done = await convertFolder(await modelFolder(context, args[0]!), out, dtype, shardBytes);
    context.write(
      context.json
        ? `${JSON.stringify({ out, dtype, ...done }, null, 2)}\n`
        : `written: ${out} (${done.parameters} weights in ${done.tensors} tensors, ${dtype})\n`,
    );
    return exitCodes.done;
  },
};

export const command: Command = {
  name: 'convert',
  summary: 'foreign weights to a Hugging Face folder, and such a folder to other numbers',
  examples: [...(llama2c.examples ?? []), ...(hf.examples ?? [])],
  subcommands: [llama2c, hf],
  run: async () => exitCodes.userError,
};
