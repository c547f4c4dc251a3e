/** `midtrain convert llama2c`: foreign weights to a Hugging Face folder. */
import { exitCodes } from '../core/errors.ts';
import { type Command, jsonOption } from './command.ts';

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
    const { convertLlama2c } = await import('../../trainer/convert-llama2c.ts');
    const tokenizer = options.tokenizer as string | undefined;
    const out = resolve(context.cwd, args[1]!);
    const config = await convertLlama2c(
      resolve(context.cwd, args[0]!),
      tokenizer === undefined ? undefined : resolve(context.cwd, tokenizer),
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

export const command: Command = {
  name: 'convert',
  summary: 'foreign weights to a Hugging Face folder',
  examples: llama2c.examples,
  subcommands: [llama2c],
  run: async () => exitCodes.userError,
};
