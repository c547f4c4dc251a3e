/** `midtrain serve`: a checkpoint behind an OpenAI-compatible endpoint. */
import { exitCodes, messageOf, UserError } from '../core/errors.ts';
import type { Command } from './command.ts';
import { integerValue, listValue } from './parse.ts';
import { withGpu } from './with-gpu.ts';

/** How long requests in hand may go on after Ctrl-C. */
const graceMs = 10_000;

/** An origin as browsers write it: scheme, host and port, no path. */
function originValue(value: string, flag: string): string {
  if (value === '*' || value === 'null') return value;
  const origin = URL.canParse(value) ? new URL(value).origin : 'null';
  if (origin === value || (origin === 'null' && /^[a-z][a-z0-9+.-]*:\/\/[^/]+$/.test(value))) return value;
  throw new UserError(`${flag} ${value}: not an origin`, {
    hint: `for example ${flag} ${origin === 'null' ? 'https://chat.example' : origin}`,
  });
}

export const command: Command = {
  name: 'serve',
  summary: 'answer OpenAI-compatible requests with a model',
  description: `Serves /v1/models, /v1/completions and /v1/chat/completions (with streaming) and /health, so that lm-eval and OpenAI's clients
can use a checkpoint, and /tokenize and /detokenize as vLLM has them. Requests are decoded side by side and take turns. It listens on this
machine only, unless --host says otherwise; there are no keys. Pages in a browser may call it if they come from this machine.
Ctrl-C takes no more requests and lets those in hand end.`,
  arguments: [
    { name: 'model', description: 'checkpoint, Hugging Face folder, or hf://owner/name', required: true },
  ],
  options: [
    { flags: '--host <address>', description: 'address to listen on', default: '127.0.0.1' },
    {
      flags: '--port <n>',
      description: 'port to listen on; 0 takes any free one',
      default: 8000,
      parse: integerValue({ min: 0, max: 65535 }),
    },
    {
      flags: '--served-model-name <name>',
      description: "name of the model for clients (default: the folder's; its path as typed is one too)",
    },
    {
      flags: '--max-num-seqs <n>',
      description: 'samples decoded side by side (fewer where the device is short of memory)',
      default: 16,
      parse: integerValue({ min: 1, max: 1024 }),
    },
    {
      flags: '--max-model-len <n>',
      description: "tokens of a prompt and its answer (default: the model's, at most 4096)",
      parse: integerValue({ min: 2 }),
    },
    {
      flags: '--max-queue <n>',
      description: 'samples that may wait; more are refused with status 429',
      default: 256,
      parse: integerValue({ min: 0 }),
    },
    {
      flags: '--max-body <bytes>',
      description: 'size of a request; larger ones are refused with status 413',
      default: 8_000_000,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--allow-origin <origin>',
      description: 'pages elsewhere that may call, such as https://chat.example; * is all; may be repeated',
      parse: listValue(originValue),
    },
    {
      flags: '--enable-tokenizer-info-endpoint',
      description: 'also serve /tokenizer_info (tokenizer_backend=remote of lm-eval)',
    },
  ],
  examples: [
    {
      command: 'midtrain serve runs/demo/grpo/checkpoints/step-0000040 --port 8000',
      what: 'the model that `midtrain demo` left behind, on http://127.0.0.1:8000/v1',
    },
    {
      command:
        'midtrain serve ./Llama-3.2-1B --max-num-seqs 32 --max-model-len 2048 --served-model-name llama',
      what: 'a Hugging Face folder, 32 requests side by side',
    },
  ],
  async run(context, args, options) {
    const { readModelConfig } = await import('../../trainer/model/folder.ts');
    const { Engine } = await import('../serve/engine.ts');
    const { openEndpoint } = await import('../serve/server.ts');
    const { modelFolder } = await import('./hub-config.ts');
    const { hubNameOfCached } = await import('../io/hub-model.ts');
    const folder = await modelFolder(context, args[0]!);
    const name = (options.servedModelName as string | undefined) ?? hubNameOfCached(folder);
    // A model that is called by its path is found by clients that take their tokenizer from there (lm-eval's `model=`).
    const aliases = options.servedModelName === undefined ? [args[0]!, folder] : [];
    return withGpu(async (gpu) => {
      const { maxPositions } = await readModelConfig(folder);
      const engine = await Engine.open(gpu, folder, {
        slots: options.maxNumSeqs as number,
        context: (options.maxModelLen as number | undefined) ?? Math.min(4096, maxPositions),
        queue: options.maxQueue as number,
        aliases,
        ...(name !== undefined && { name }),
      });
      const endpoint = await openEndpoint(engine, {
        host: options.host as string,
        port: options.port as number,
        maxBody: options.maxBody as number,
        allowOrigins: (options.allowOrigin as string[] | undefined) ?? [],
        tokenizerInfo: options.enableTokenizerInfoEndpoint === true,
        onError: (error) => context.emit({ kind: 'message', level: 'warn', text: messageOf(error) }),
      });
      context.write(
        `${engine.name} on ${endpoint.url}/v1 (${engine.slots} side by side, ${engine.context} tokens each)\n`,
      );
      if (!context.signal.aborted)
        await new Promise<void>((resolve) =>
          context.signal.addEventListener('abort', () => resolve(), { once: true }),
        );
      context.emit({ kind: 'message', level: 'info', text: 'finishing the requests in hand' });
      await endpoint.close(graceMs);
      engine.close();
      return exitCodes.done;
    });
  },
};
