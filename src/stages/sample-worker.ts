/** The thread that looks at parts of sources, so that whoever asks can go on answering keys. */
import { parentPort, workerData } from 'node:worker_threads';
import { resolveSources } from '../../mixtures/sources.ts';
import { messageOf, UserError } from '../core/errors.ts';
import { drawDocuments } from './draw-documents.ts';
import type { SampleAnswer, SampleRequest, SizeRequest } from './sample-request.ts';
import { sampleTools } from './sample-tools.ts';
import { cardDetail, SourceSizer, sizeOfCard } from './size-source.ts';

/** The first look at every source is this part of the whole, so that all have a number soon. */
const firstLook = 1 / 16;

const answer = (message: SampleAnswer): void => parentPort!.postMessage(message);

async function run(request: SizeRequest | SampleRequest): Promise<void> {
  if (request.kind === 'size') await sizeAll(request);
  else answer({ kind: 'documents', ...(await drawDocuments(request)) });
}

async function sizeAll({ loaded, cwd, except, ...request }: SizeRequest): Promise<void> {
  const sources = resolveSources(loaded, cwd).filter(({ name }) => !except.includes(name));
  const here = sources.filter(({ data }) => data.kind !== 'missing');
  if (here.length === 0) return;
  const tools = await sampleTools(loaded, request.tokenizer, cwd, here);
  answer({ kind: 'tokenizer', note: tools.note });
  const heldout = { share: loaded.recipe.heldout, seed: loaded.recipe.heldoutSeed };
  let open = here.map((source) => ({
    source,
    sizer: new SourceSizer(source, { ...tools, heldout, sampleBytes: request.sampleBytes }),
  }));
  for (const part of [firstLook, 1]) {
    const more: typeof open = [];
    for (const entry of open) {
      const { source, sizer } = entry;
      const { name } = source;
      answer({ kind: 'begin', name });
      try {
        const left = await sizer.look({
          textBytes: request.sampleBytes * part,
          until: performance.now() + request.secondsPerSource * 1000 * part,
        });
        const found = sizer.size();
        const final = !left || part === 1;
        if (found !== undefined) answer({ kind: 'size', name, ...found, final });
        if (!final) more.push(entry);
      } catch (error) {
        answer({
          kind: 'size',
          name,
          ...unreadable(entry.source, loaded.recipe.tokenizer, error),
          final: true,
        });
      }
    }
    open = more;
  }
}

function unreadable(
  source: Parameters<typeof sizeOfCard>[0],
  tokenizer: unknown,
  error: unknown,
): Pick<Extract<SampleAnswer, { kind: 'size' }>, 'size' | 'detail'> {
  return {
    size: sizeOfCard(source, typeof tokenizer === 'string' ? tokenizer : undefined),
    detail: cardDetail(messageOf(error)),
  };
}

run(workerData as SizeRequest | SampleRequest).then(
  () => answer({ kind: 'end' }),
  (error: unknown) =>
    answer({
      kind: 'problem',
      message: messageOf(error),
      hint: error instanceof UserError ? error.hint : undefined,
    }),
);
