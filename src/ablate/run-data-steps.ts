/** The steps of the data side carried out: problem sets, generated pages, the filter, the vocabulary, mixtures. Each by the function of its command. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import { generateRecords } from '../../mixtures/generated.ts';
import { loadRecipe } from '../../mixtures/load.ts';
import { recipeSchema } from '../../mixtures/recipe.ts';
import { resolveSources } from '../../mixtures/sources.ts';
import { generatorSchema } from '../core/card.ts';
import { parseConfig } from '../core/config.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import { emptyLedger } from '../core/ledger.ts';
import { AtomicFile, removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { filterCorpus } from '../jobs/filter-corpus.ts';
import { parsePipeline } from '../stages/load-pipeline.ts';
import { mix } from '../stages/mix.ts';
import { type Failure, prepareSource, readSourceTexts } from '../stages/source-texts.ts';
import { trainBpe } from '../tokens/bpe-train.ts';
import { saveTokenizerFiles } from '../tokens/tokenizer-files.ts';
import type { Plain } from './overlay.ts';
import { type DrawnProblems, problemLines } from './problem-spec.ts';
import type { StepJob } from './step-job.ts';

export async function runProblems({ folder, settings }: StepJob): Promise<Plain> {
  const lines = problemLines(settings as unknown as DrawnProblems);
  await writeFileAtomic(join(folder, 'problems.jsonl'), lines);
  return { problems: lines.split('\n').length - 1 };
}

/** Lines are gathered to about this many characters before they are written. */
const pieceLength = 1 << 20;

export async function runCorpus({ folder, settings, signal }: StepJob): Promise<Plain> {
  await removeLeftovers(folder);
  const spec = parseConfig(generatorSchema, settings, join(folder, 'step.json'));
  const file = await AtomicFile.create(join(folder, 'pages.jsonl'));
  let documents = 0;
  let piece = '';
  try {
    for (const record of generateRecords(spec)) {
      piece += `${JSON.stringify(record)}\n`;
      documents++;
      if (piece.length < pieceLength) continue;
      if (signal.aborted) throw new InterruptedError();
      await file.write(Buffer.from(piece));
      piece = '';
    }
    await file.write(Buffer.from(piece));
    const { bytes } = await file.commit();
    return { documents, bytes };
  } finally {
    await file.abort();
  }
}

export async function runFilter({ step, folder, settings, emit, signal }: StepJob): Promise<Plain> {
  const { pipeline, inputs } = settings as { pipeline: Plain; inputs: string[] };
  const named = { ...pipeline, name: step.id, inputs: inputs.map((path) => ({ path })) };
  const text = stringify(named);
  const { config } = parsePipeline(text, `${step.id}/pipeline`, folder);
  const { complete, summary } = await filterCorpus(config, { out: join(folder, 'run'), text, emit, signal });
  if (!complete)
    throw new UserError(`${step.id}: not every input could be read`, {
      hint: `see failures in ${join(folder, 'run', 'run.json')}`,
    });
  return { ledger: summary.ledger };
}

export async function runTokenizer({ step, folder, settings, signal }: StepJob): Promise<Plain> {
  const { sources, ...how } = settings as { sources: Plain[] };
  // Sources are those of a recipe: columns and templates are found the same way.
  const recipe = parseConfig(
    recipeSchema,
    {
      name: step.id,
      sequenceLength: 1,
      sources: Object.fromEntries(
        sources.map((source, i) => [`source-${i}`, { ...source, role: 'general', weight: 0 }]),
      ),
    },
    `${step.id}, sources`,
  );
  const loaded = { recipe, file: `${step.id}, sources`, folder, text: '', chosen: 'given' as const };
  const ledger = emptyLedger();
  const failures: Failure[] = [];
  async function* texts(): AsyncGenerator<string> {
    for (const source of resolveSources(loaded, folder)) {
      for await (const { text } of readSourceTexts(await prepareSource(source), ledger, failures)) {
        if (signal.aborted) throw new InterruptedError();
        yield text;
      }
    }
  }
  const trained = await trainBpe(texts(), { ...how, signal }).catch((error: unknown) => {
    throw signal.aborted ? new InterruptedError() : error;
  });
  const [failure] = failures;
  if (failure !== undefined)
    throw new UserError(`${failure.file}: ${failure.problem}`, {
      hint: 'the vocabulary is trained on all of its sources or not at all',
    });
  await saveTokenizerFiles(trained.files, join(folder, 'tokenizer'));
  const { vocabSize, merges, documents, characters } = trained;
  return { vocabSize, merges, documents, characters };
}

export async function runMix({ step, folder, settings, emit, signal }: StepJob): Promise<Plain> {
  const { recipe, tokenizer } = settings as { recipe: Plain; tokenizer: string };
  const file = join(folder, 'recipe.yaml');
  await writeFileAtomic(file, stringify({ name: step.id, seed: step.seed, ...recipe }));
  const { summary, failures } = await mix({
    loaded: loadRecipe(file, folder),
    cwd: folder,
    output: join(folder, 'run'),
    tokenizer,
    emit,
    signal,
  });
  const [failure] = failures;
  if (failure !== undefined)
    throw new UserError(`${failure.file}: ${failure.problem}`, {
      hint: `source ${failure.source} of the mixture`,
    });
  const { totalTokens, sequences, warnings } = summary;
  return { tokens: totalTokens, sequences, warnings };
}
