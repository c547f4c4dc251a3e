/**
 * The stages of a filter job over a corpus, as src/jobs runs them: measure (units by worker), compare (parts of the hash range by worker), dedup (one
 * process: clusters and chosen copies), finish (units by worker). Bytes and seconds follow from the measured sample; parts, units and signature
 * files are counted with the code that makes them.
 */
import { UserError } from '../core/errors.ts';
import { defaultUnitBytes } from '../io/plan-unit.ts';
import { measured, type PlanContext, stated } from './context.ts';
import type { DataPlan, Survivors } from './data-plan.ts';
import { computed, type Figure, given, nothing, product, resting, roundedUp, sum } from './figure.ts';
import { dedupStages, signatureBytes } from './plan-dedup.ts';
import type { FilterSample } from './rates.ts';
import { planStage, type StagePlan } from './stage.ts';

/** Cluster numbers are 32 bits (cluster-documents.ts). */
const mostDocuments = 2 ** 32 - 1;

export function planData(context: PlanContext): DataPlan {
  const { description, problems } = context;
  const sample = sampleFor(context);
  const corpus = corpusOf(context, sample);
  const { documents } = corpus;
  const dedup = description.filter!.dedup;
  if (dedup !== 'none' && documents.value > mostDocuments)
    problems.push(
      `dedup numbers documents with 32 bits, and ${documents.value} are more than ${mostDocuments}: split the job, for example by crawl`,
    );
  const survivors = survivorsOf(context, sample, corpus);
  const duplicates =
    dedup === 'none'
      ? given('share of copies', 0, '')
      : stated(context, 'filter.duplicateShare', 'share of copies', '', description.filter!.duplicateShare);
  const kept = keptOf(context, survivors, duplicates);
  const signatures = dedup === 'none' ? nothing : signatureBytes(context, documents);
  const stages = [measureStage(context, sample, corpus, survivors, signatures)];
  if (description.score) stages.push(scoreStage(context, corpus));
  if (dedup !== 'none')
    stages.push(...dedupStages(context, corpus, survivors, duplicates, signatures, dedup));
  stages.push(finishStage(context, corpus, survivors, kept));
  return { corpus, stages, kept };
}

/** The measured pipeline that the description asks for. */
function sampleFor({ description, rates, resolved }: PlanContext): FilterSample {
  const { pages } = description.corpus!;
  const asked = description.filter!.pipeline;
  const ofKind = rates.filter.filter((sample) => sample.pages === pages);
  const found = ofKind.find(({ pipeline }) => asked === undefined || pipeline.includes(asked));
  if (found !== undefined) return found;
  throw noSample(resolved.file, pages, asked, rates.filter);
}

function noSample(
  file: string,
  pages: string,
  asked: string | undefined,
  samples: readonly FilterSample[],
): UserError {
  const known = samples.map((one) => `${one.pages}: ${one.pipeline}`).join('; ');
  return new UserError(
    `${file}: filter.pipeline: no rates were measured for ${pages} pages${asked === undefined ? '' : ` and a pipeline named "${asked}"`} (there are: ${known})`,
    { hint: 'filter a sample on this machine and give its folder with --rates' },
  );
}

const sizeNames = {
  bytesPerDocument: 'bytes a document',
  textBytesPerDocument: 'text of a document',
} as const;
type SizeKey = keyof typeof sizeNames;

function corpusOf(context: PlanContext, sample: FilterSample): DataPlan['corpus'] {
  const { corpus } = context.description;
  const documents = stated(context, 'corpus.documents', 'documents', '', corpus!.documents);
  const from = `${sample.source} (${sample.documents} documents)`;
  const each = (
    key: 'bytesPerDocument' | 'compression' | 'textBytesPerDocument',
    name: string,
    unit: string,
    value: number,
    how: string,
  ): Figure =>
    corpus![key] === undefined
      ? measured(context, `corpus.${key}`, name, unit, value, `mean of the sample, ${how}`, from)
      : stated(context, `corpus.${key}`, name, unit, corpus![key]);
  const content = sample.bytes ?? sample.storedBytes;
  // Of a text the content is the text: who states one size of it means both.
  const asText = corpus!.pages === 'text';
  const keyOf = (own: SizeKey, other: SizeKey): SizeKey =>
    asText && corpus![own] === undefined && corpus![other] !== undefined ? other : own;
  const sizeKey = keyOf('bytesPerDocument', 'textBytesPerDocument');
  const textKey = keyOf('textBytesPerDocument', 'bytesPerDocument');
  const size = each(
    sizeKey,
    sizeNames[sizeKey],
    'bytes',
    content / sample.documents,
    `${content} bytes / ${sample.documents} documents${sample.bytes === undefined ? ', as stored' : ''}`,
  );
  const ratio = each(
    'compression',
    'bytes stored for a byte',
    '',
    sample.storedBytes / content,
    `${sample.storedBytes} / ${content} bytes`,
  );
  const textSize = each(
    textKey,
    sizeNames[textKey],
    'bytes',
    sample.textBytes / sample.documents,
    `${sample.textBytes} bytes / ${sample.documents} documents`,
  );
  const bytes = product('bytes of the corpus', 'bytes', [documents, size]);
  const stored = product('bytes stored', 'bytes', [bytes, ratio]);
  const unit = given('bytes of a unit', defaultUnitBytes, 'bytes');
  return {
    documents,
    bytes,
    stored,
    textBytes: product('text of the corpus', 'bytes', [documents, textSize]),
    units: roundedUp('units', '', product('units', '', [stored], [unit])),
  };
}

function survivorsOf(context: PlanContext, sample: FilterSample, corpus: DataPlan['corpus']): Survivors {
  const key = 'filter.survivingShare';
  const stating = context.description.filter!.survivingShare;
  const share =
    stating === undefined
      ? measured(
          context,
          key,
          'share that no rule drops',
          '',
          sample.survivors / sample.documents,
          `of the sample, ${sample.survivors} of ${sample.documents} documents`,
          sample.source,
        )
      : stated(context, key, 'share that no rule drops', '', stating);
  context.assumptions.add({
    id: 'text of survivors',
    text: 'documents that stay are as long as the mean of all',
    source: 'a simplification',
    evidence: 'own',
  });
  return {
    documents: product('survivors', '', [corpus.documents, share]),
    textBytes: resting(product('text of survivors', 'bytes', [corpus.textBytes, share]), 'text of survivors'),
  };
}

function keptOf(context: PlanContext, survivors: Survivors, duplicates: Figure): DataPlan['kept'] {
  const stays = computed(
    'share that is no copy',
    '',
    1 - duplicates.value,
    `1 - share of copies (${duplicates.value})`,
    [duplicates],
  );
  const finish = finishSample(context);
  const textBytes = product('text kept', 'bytes', [survivors.textBytes, stays]);
  const ratio = measured(
    context,
    'bytes kept',
    'bytes of kept/ for a byte of text',
    '',
    finish.keptBytes / finish.keptTextBytes,
    `${finish.keptBytes} / ${finish.keptTextBytes} bytes`,
  );
  return {
    documents: product('documents kept', '', [survivors.documents, stays]),
    textBytes,
    stored: product('bytes of kept/', 'bytes', [textBytes, ratio]),
  };
}

function finishSample({ rates, resolved }: PlanContext): NonNullable<FilterSample['finish']> {
  const found = rates.filter.find(({ finish }) => finish !== undefined)?.finish;
  if (found === undefined)
    throw new UserError(`${resolved.file}: the rates say nothing of the second pass of a filter job`, {
      hint: 'make them again with `npm run bench:rates`',
    });
  return found;
}

function measureStage(
  context: PlanContext,
  sample: FilterSample,
  { documents, bytes, stored, units }: DataPlan['corpus'],
  survivors: Survivors,
  signatures: Figure,
): StagePlan {
  const basis = sample.bytes ?? sample.storedBytes;
  const perByte = measured(
    context,
    'measure',
    `seconds a byte${sample.bytes === undefined ? ' stored' : ''} to measure`,
    's',
    sample.measureSeconds / basis,
    `${sample.pipeline}, ${sample.pages}: ${sample.measureSeconds.toFixed(2)} s of one core${sample.measureIsWall ? ' (wall clock x workers)' : ''} for ${basis} bytes`,
    sample.measureIsWall ? sample.source : undefined,
  );
  const rows = measured(
    context,
    'bytes of signals',
    'bytes of signals/ a document',
    'bytes',
    sample.signalsBytes / sample.documents,
    `${sample.signalsBytes} bytes / ${sample.documents} documents`,
    sample.source,
  );
  return planStage(context, {
    name: 'measure',
    documents,
    read: stored,
    temporary: sum('work/ and signatures', 'bytes', [workBytes(context, survivors), signatures]),
    written: product('bytes of signals/', 'bytes', [documents, rows]),
    units,
    seconds: product('core seconds of measure', 's', [sample.bytes === undefined ? stored : bytes, perByte]),
  });
}

function workBytes(context: PlanContext, survivors: Survivors): Figure {
  const finish = finishSample(context);
  const ratio = measured(
    context,
    'bytes of work',
    'bytes of work/ for a byte of text',
    '',
    finish.workBytes / finish.textBytes,
    `${finish.workBytes} / ${finish.textBytes} bytes`,
  );
  return product('bytes of work/', 'bytes', [survivors.textBytes, ratio]);
}

function scoreStage(context: PlanContext, { documents, textBytes, units }: DataPlan['corpus']): StagePlan {
  const { score } = context.rates;
  const perByte = measured(
    context,
    'score',
    'seconds a byte to score',
    's',
    score.seconds / score.bytes,
    `${score.model}: ${score.seconds.toFixed(2)} s of one core for ${score.bytes} bytes of text`,
  );
  return planStage(context, {
    name: 'score',
    documents,
    read: nothing,
    temporary: nothing,
    written: nothing,
    seconds: product('core seconds of score', 's', [textBytes, perByte]),
    units,
    note: 'inside the first pass, which reads for it; its column is part of signals/',
  });
}

function finishStage(
  context: PlanContext,
  { units }: DataPlan['corpus'],
  survivors: Survivors,
  kept: DataPlan['kept'],
): StagePlan {
  const finish = finishSample(context);
  const perByte = measured(
    context,
    'finish',
    'seconds a byte to finish',
    's',
    finish.seconds / finish.textBytes,
    `${finish.seconds.toFixed(2)} s of one core for ${finish.textBytes} bytes of text`,
  );
  return planStage(context, {
    name: 'finish',
    documents: survivors.documents,
    read: workBytes(context, survivors),
    temporary: nothing,
    written: kept.stored,
    seconds: product('core seconds of finish', 's', [survivors.textBytes, perByte]),
    units,
  });
}
