/** The steps of the data side: problem sets, generated pages, the filter, the shared vocabulary, the mixtures. Pure, given the user's own files by content. */
import { stringify } from 'yaml';
import { parseRecipe, type Recipe } from '../../mixtures/recipe.ts';
import { parsePipeline } from '../stages/load-pipeline.ts';
import type { GridStep } from './grid.ts';
import { isPlain, type Plain } from './overlay.ts';
import { mapReferences } from './step-key.ts';
import { assertNamed, drawnRecords, type ProblemsOf, type SourceData, section } from './way.ts';
import { ownFile, type Reference, type WayContext } from './way-context.ts';

export function planProblems(
  context: WayContext,
  of: ProblemsOf,
  place: string,
): Reference | (Plain & { set: Reference }) {
  const { way } = context;
  const { set, ...selection } = typeof of === 'string' ? { set: of } : of;
  assertNamed(way, 'problems', set, place);
  const spec = way.problems[set]!;
  let reference: Reference;
  if ('file' in spec) reference = ownFile(context, spec.file);
  else {
    const seed = spec.seed === 'run' ? context.seed : spec.seed;
    const work = { count: spec.count, unit: 'documents' as const };
    reference = { read: context.step('problems', { ...spec, seed }, { work, shape: {} }).id };
  }
  return Object.keys(selection).length === 0 ? reference : { ...selection, set: reference };
}

export function planCorpus(context: WayContext, name: string, place: string): GridStep {
  assertNamed(context.way, 'corpora', name, place);
  const spec = drawnRecords(context.way, context.way.corpora[name]!, context.seed, `corpora.${name}`);
  return context.step('corpus', { ...spec }, { work: { count: spec.count, unit: 'documents' }, shape: {} });
}

export function planFilter(context: WayContext): GridStep {
  const { way, inputs } = context;
  const { pipeline, input } = way.filter!;
  const found =
    typeof pipeline === 'string'
      ? inputs.pipeline(pipeline)
      : { value: pipeline, folder: inputs.resolve('.') };
  const { name: _name, description: _description, inputs: own, ...rest } = found.value;
  if (own !== undefined)
    throw way.wrong(
      'filter.pipeline.inputs',
      'is decided by filter.input',
      'leave inputs: out of the pipeline and write filter: { input: { corpus: <name> } }',
    );
  // A wrong key is told now, not when the step's turn comes.
  parsePipeline(stringify({ ...rest, name: 'filter' }), `${way.where}, filter.pipeline`, found.folder);
  let documents = 0;
  const read = (Array.isArray(input) ? input : [input]).map((one): Reference => {
    const corpus =
      typeof one === 'object'
        ? one.corpus
        : one.startsWith('corpora.')
          ? one.slice('corpora.'.length)
          : undefined;
    if (corpus === undefined) return ownFile(context, one as string);
    const step = context.corpus(corpus, 'filter.input');
    documents += step.work.count;
    return { read: step.id };
  });
  const settings = { pipeline: ownFilesOf(rest, context, found.folder), inputs: read };
  return context.step('filter', settings, {
    work: { count: documents, unit: 'documents' },
    shape: { signals: rest.signals ?? [], dedup: rest.dedup ?? null, classifiers: rest.classifiers ?? [] },
  });
}

/** The files that a pipeline names, by content. `bundled:`, `column:` and `hf://` stand as they are. */
function ownFilesOf(pipeline: Plain, context: WayContext, folder: string): Plain {
  const file = (value: unknown): unknown =>
    typeof value === 'string' && !/^(bundled|column|hf):/.test(value)
      ? ownFile(context, value.startsWith('/') ? value : `${folder}/${value}`)
      : value;
  const inside = (value: unknown, key: string): unknown =>
    isPlain(value) && key in value ? { ...value, [key]: file(value[key]) } : value;
  const each = (value: unknown, key: string): unknown =>
    Array.isArray(value) ? value.map((one: unknown) => inside(one, key)) : value;
  const result: Plain = { ...pipeline };
  if (result.classifiers !== undefined) result.classifiers = each(result.classifiers, 'model');
  if (isPlain(result.decontaminate))
    result.decontaminate = {
      ...result.decontaminate,
      benchmarks: each(result.decontaminate.benchmarks ?? [], 'path'),
    };
  for (const [key, inner] of [
    ['url', 'lists'],
    ['badWords', 'list'],
    ['unigram', 'counts'],
    ['tokens', 'tokenizer'],
  ] as const)
    if (result[key] !== undefined) result[key] = inside(result[key], inner);
  if (isPlain(result.language) && /[\\/]/.test(String(result.language.model)))
    result.language = inside(result.language, 'model');
  return result;
}

export function planTokenizer(context: WayContext): Reference {
  const { way } = context;
  const { tokenizer } = way;
  if (!tokenizer)
    throw way.wrong(
      'tokenizer',
      'is missing: all arms and seeds share one vocabulary',
      'add tokenizer: { vocabSize: 320, specialTokens: ["<|endoftext|>"], sources: [{ data: { generator: ... } }] }, or { folder: ... }',
    );
  if ('folder' in tokenizer) return ownFile(context, tokenizer.folder);
  let documents = 0;
  const sources = tokenizer.sources.map(({ data, ...rest }, i) => {
    const placed = placeData(context, data, `tokenizer.sources.${i}.data`);
    documents += placed.documents;
    return { ...rest, data: placed.data };
  });
  const settings = { ...tokenizer, sources };
  const work = { count: documents, unit: 'documents' as const };
  return {
    read: context.step('tokenizer', settings, { work, shape: { vocabSize: tokenizer.vocabSize } }).id,
  };
}

/** A source's data with what it names replaced; the number of documents where that is known. */
function placeData(
  context: WayContext,
  data: SourceData,
  place: string,
): { data: unknown; documents: number } {
  if (isPlain(data)) {
    if ('step' in data) {
      const step = data.step === 'filter' ? context.filter(place) : context.chains(place);
      return { data: { read: step.id }, documents: 0 };
    }
    if ('corpus' in data) {
      const step = context.corpus(data.corpus as string, place);
      return { data: { read: step.id }, documents: step.work.count };
    }
    const records = drawnRecords(context.way, data, context.seed, place);
    return { data: records, documents: records.count };
  }
  const given = typeof data === 'string' ? [data] : data;
  const placed = given.map((path) => (path.startsWith('hf://') ? path : ownFile(context, path)));
  return { data: placed.length === 1 ? placed[0] : placed, documents: 0 };
}

/** Behind the seeds of stable mixtures, so that a source of both phases is not read in the same order twice. */
const decaySeeds = 1_000_000;

/** The mixture of a phase. Its budget `auto` is what the phases that read it need, so that no sequence is seen twice. */
export function planMix(context: WayContext, phase: 'stable' | 'decay', sequences: number): GridStep {
  const { way } = context;
  const place = `mix.${phase}`;
  const given = section(way, 'mix')?.[phase] as Plain;
  const { name: _name, description: _description, notes: _notes, training: _training, ...recipe } = given;
  for (const key of ['tokenizer', 'seed']) {
    if (key in recipe)
      throw way.wrong(
        `${place}.${key}`,
        'is decided by the grid',
        `leave it out; tokenizer: is the experiment's own section`,
      );
  }
  const length = recipe.sequenceLength ?? way.train?.sequence_length;
  if (recipe.sequenceLength === undefined) recipe.sequenceLength = length;
  if (recipe.budget === 'auto' || recipe.budget === undefined)
    recipe.budget = sequences * (Number(length) + 1);
  const sources = isPlain(recipe.sources) ? recipe.sources : {};
  const placed: Plain = {};
  // In one order whatever the order of the overlays: it decides how sources are interleaved.
  for (const source of Object.keys(sources).sort()) {
    const own = sources[source];
    const { data } = isPlain(own) ? own : {};
    placed[source] =
      isPlain(own) && data !== undefined
        ? { ...own, data: placeData(context, data as SourceData, `${place}.sources.${source}.data`).data }
        : own;
  }
  const settings: Plain = { recipe: { ...recipe, sources: placed }, tokenizer: context.tokenizer() };
  const checked = checkRecipe(settings.recipe as Plain, `${way.where}, ${place}`);
  const seed = context.seed + (phase === 'decay' ? decaySeeds : 0);
  return context.step('mix', settings, {
    seed,
    work: { count: checked.budget?.value ?? 0, unit: 'tokens' },
    shape: {},
  });
}

/** The recipe as `midtrain mix` would read it, with names of files in the place of steps. */
function checkRecipe(recipe: Plain, where: string): Recipe {
  const named = mapReferences(recipe, (reference) => ('file' in reference ? reference.file : reference.read));
  return parseRecipe(stringify({ name: 'mixture', ...named }), where);
}
