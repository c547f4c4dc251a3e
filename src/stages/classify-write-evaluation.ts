/** Writes what an evaluation found: `evaluation.json`, its page, and the card of a model folder. */
import { basename, join } from 'node:path';
import { type ModelFolder, modelFiles } from '../../classifiers/model-folder.ts';
import type { ClassifierEvaluation } from '../core/classifier-evaluation.ts';
import { InputError } from '../core/errors.ts';
import { type JoinedLicence, joinedLicence } from '../core/licences.ts';
import { makeFolder, writeFileAtomic } from '../io/atomic.ts';
import { readJsonFile } from '../io/json-file.ts';
import { packageVersions } from '../io/package-root.ts';
import { classifierCard } from '../report/classifier-card.ts';
import { classifierPage } from '../report/classifier-page.ts';
import { type CardLicence, cardText, type HubCard } from '../report/hub-card.ts';
import type { TrainingRecord } from './classify-train-request.ts';

/** Paths of the page and the numbers in the folder. */
export async function writeEvaluationFiles(folder: string, evaluation: ClassifierEvaluation): Promise<void> {
  makeFolder(folder);
  await writeFileAtomic(join(folder, modelFiles.evaluation), `${JSON.stringify(evaluation, null, 2)}\n`);
  await writeFileAtomic(join(folder, modelFiles.page), classifierPage(evaluation));
}

/** `card.md` of a model folder. */
export async function writeClassifierCard(folder: ModelFolder): Promise<void> {
  const card = await cardOfModelFolder(folder);
  await writeFileAtomic(join(folder.path, modelFiles.card), cardText(card));
}

/** `training.json` of a model folder. Throws `InputError` where it is missing or damaged. */
export async function trainingRecordOf(folder: string): Promise<TrainingRecord> {
  const file = join(folder, modelFiles.training);
  const record = (await readJsonFile(file)) as Partial<TrainingRecord> | null;
  if (record?.data?.counts !== undefined && Array.isArray(record.data.files)) return record as TrainingRecord;
  throw new InputError(file, 'this is no training record: it has no counts of documents', {
    hint: 'give a folder that "midtrain classify train" wrote',
  });
}

/** The card, from what lies in the folder. Throws `InputError` when there is no training record. */
export async function cardOfModelFolder(
  { path, description }: ModelFolder,
  {
    name = basename(path),
    licence = joinedLicence([]),
    origins = [],
    licenceWarnings = [],
  }: {
    name?: string;
    licence?: JoinedLicence;
    /** What the training documents come from, and what their licences ask for. */
    origins?: readonly CardLicence[];
    licenceWarnings?: readonly string[];
  } = {},
): Promise<HubCard> {
  const record = await trainingRecordOf(path);
  const evaluation = (await readJsonFile(join(path, modelFiles.evaluation)).catch(() => undefined)) as
    | ClassifierEvaluation
    | undefined;
  const { totals, counts, files } = record.data;
  return classifierCard({
    name,
    kind: description.kind,
    label: description.label,
    prepare: description.prepare,
    unit: description.unit,
    encoder: description.encoder?.model,
    sha256: description.sha256,
    threshold: description.threshold,
    positiveMin: record.positiveMin,
    seed: record.seed,
    settings: record.settings,
    train: totals.train,
    duplicates: totals.duplicate,
    conflicts: totals.conflict,
    sources: Object.entries(counts).flatMap(([source, { train }]) =>
      train === undefined ? [] : [{ source, ...train }],
    ),
    files,
    evaluation,
    licence,
    origins,
    licenceWarnings,
    version: packageVersions().midtrain ?? '',
  });
}
