/**
 * `classify train`: labelled documents to a model folder (classifiers/model-folder.ts), trained, evaluated on what was held out, and described.
 *
 * The documents are read once and set aside on disk, the split is planned on their hashes, then carried out. A folder is a classifier once
 * `classifier.json` is there, which is written after the weights; stopped before, the same command starts again.
 */
import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  descriptionFile,
  isModelFolder,
  type ModelDescription,
  type ModelFolder,
  modelFiles,
  writeModelDescription,
} from '../../classifiers/model-folder.ts';
import type { ClassifierEvaluation } from '../core/classifier-evaluation.ts';
import { UserError } from '../core/errors.ts';
import { assertBalanced, type Ledger } from '../core/ledger.ts';
import { makeFolder, writeFileAtomic } from '../io/atomic.ts';
import { sha256OfFile } from '../io/file-hash.ts';
import { packageVersions } from '../io/package-root.ts';
import type { DocumentTally } from './classify-documents.ts';
import { evaluateClassifier } from './classify-evaluate.ts';
import { scoreWarnings } from './classify-label-advice.ts';
import { type LabelledPlan, planLabelled } from './classify-labelled.ts';
import { planSplit, type SplitPlan } from './classify-plan-split.ts';
import { scorerSpec } from './classify-scorer.ts';
import { assertTrainable, lossWarnings, splitWarnings } from './classify-train-checks.ts';
import { trainFastTextModel } from './classify-train-fasttext.ts';
import type { TrainClassifierRequest, TrainingRecord } from './classify-train-request.ts';
import {
  hashLabelled,
  type SpooledDocument,
  type TrainingFiles,
  writeTrainingFiles,
} from './classify-training-files.ts';
import { writeClassifierCard, writeEvaluationFiles } from './classify-write-evaluation.ts';
import { TextSpool } from './text-spool.ts';
import type { Failure } from './unit-texts.ts';

export interface TrainedClassifier {
  folder: ModelFolder;
  record: TrainingRecord;
  /** Of what was held out; undefined where nothing was. */
  evaluation: ClassifierEvaluation | undefined;
  ledger: Ledger;
  failures: Failure[];
  warnings: string[];
}

const linesFile = { fasttext: 'train.txt', regressor: 'train.jsonl' } as const;
/** What a new training replaces; the description first, so that no folder looks whole meanwhile. */
const replaced = [
  descriptionFile,
  modelFiles.training,
  modelFiles.evaluation,
  modelFiles.page,
  modelFiles.card,
  modelFiles.heldOut,
];

export async function trainClassifier(request: TrainClassifierRequest): Promise<TrainedClassifier> {
  const { out, emit, signal, labelled, overwrite } = request;
  if (!overwrite && (await isModelFolder(out))) {
    throw new UserError(`${out} holds a classifier already`, {
      hint: 'give another --out, or --overwrite to train anew',
    });
  }
  assertOwnFolder(out);
  if (request.kind === 'regressor' && (request.prepare !== 'none' || request.unit !== 'document')) {
    throw new UserError('a regressor reads whole documents as they are', {
      hint: 'leave out --prepare and --unit; they are for fastText',
    });
  }
  if (request.kind === 'regressor' && request.regressor === undefined) {
    throw new UserError('a regressor needs an encoder', {
      hint: 'give --encoder <folder with ONNX weights>, or --encoder hf://owner/name',
    });
  }
  const plan = await planLabelled(labelled, { emit, ...(signal === undefined ? {} : { signal }) });
  makeFolder(out);
  const made = await makeTrainingFiles(request, plan);
  const { split, files, tally } = made;
  const linesSha256 = await sha256OfFile(files.lines);
  const { settings, result, ...told } = await trainWeights(request, files.lines, split);
  if (!request.keepLines) await rm(files.lines, { force: true });
  const record = recordOf(request, plan.files, split, tally.ledger, linesSha256, settings, result);
  await writeFileAtomic(join(out, modelFiles.training), `${JSON.stringify(record, null, 2)}\n`);
  const { kind, labels, prepare, newline, unit } = request;
  const description = {
    kind,
    ...(kind === 'fasttext' ? { label: labels.positive } : {}),
    prepare,
    newline,
    unit,
    ...told,
    weights: modelFiles[kind],
  };
  let folder = await writeModelDescription(out, description);
  const warnings = [
    ...scoreWarnings(plan.seen),
    ...splitWarnings(split, request.split),
    ...(result.loss !== undefined && settings.loss === 'softmax'
      ? lossWarnings(split, request.split.balance, result.loss)
      : []),
  ];
  let evaluation: ClassifierEvaluation | undefined;
  if (files.heldOut.length > 0) {
    evaluation = await evaluateHeldOut(request, files.heldOut);
    folder = await writeModelDescription(out, { ...description, threshold: evaluation.threshold.value });
    warnings.push(...evaluation.warnings);
  } else warnings.push('nothing was held out, so nothing was evaluated');
  if (evaluation !== undefined) await writeEvaluationFiles(out, evaluation);
  await writeClassifierCard(folder);
  return { folder, record, evaluation, ledger: tally.ledger, failures: tally.failures, warnings };
}

/** Files are replaced by name, and one of those names may be somebody's own folder: `heldout`. */
function assertOwnFolder(out: string): void {
  const ours = new Set<string>([descriptionFile, ...Object.values(modelFiles), ...Object.values(linesFile)]);
  // A card that "midtrain card" wrote, and what a killed training left.
  const allowed = /^README\.md$|\.spool-\d+$|\.tmp-[\d-]+$/;
  const names = statSync(out, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(out) : [];
  const foreign = names.find((name) => !ours.has(name) && !allowed.test(name));
  if (foreign === undefined) return;
  throw new UserError(`${out} holds other files, such as ${foreign}`, {
    hint: 'give another --out: an empty folder, or a new one',
  });
}

async function trainWeights(
  request: TrainClassifierRequest,
  lines: string,
  split: SplitPlan,
): Promise<{
  settings: Record<string, unknown>;
  result: Record<string, number>;
  encoder?: ModelDescription['encoder'];
}> {
  const weights = join(request.out, modelFiles[request.kind]);
  if (request.kind === 'fasttext') return trainFastTextModel(lines, weights, request);
  const { trainRegressorModel } = await import('./classify-train-regressor.ts');
  return trainRegressorModel(lines, split.training.length, weights, request);
}

/** The training set and what is held out; nothing of an earlier training in the folder stays. */
async function makeTrainingFiles(
  request: TrainClassifierRequest,
  plan: LabelledPlan,
): Promise<{ split: SplitPlan; files: TrainingFiles; tally: DocumentTally }> {
  const { out, emit, signal } = request;
  const started = performance.now();
  const task = { task: 'read labels', total: plan.bytes, unit: 'bytes' } as const;
  emit({ kind: 'start', ...task });
  const spool = await TextSpool.create<SpooledDocument>(join(out, `documents.spool-${process.pid}`));
  try {
    const progress = (done: number): void => emit({ kind: 'progress', ...task, done });
    const hashed = await hashLabelled(plan, request, spool, { signal, progress });
    assertBalanced(hashed.tally.ledger, 'the labelled documents');
    const split = planSplit(hashed.rows, request.split);
    assertTrainable(split, hashed.tally, plan);
    for (const name of replaced) await rm(join(out, name), { recursive: true, force: true });
    const files = await writeTrainingFiles(hashed, spool, split, request, {
      signal,
      folder: out,
      linesName: linesFile[request.kind],
      labels: request.labels,
      kind: request.kind,
    });
    const seconds = (performance.now() - started) / 1000;
    emit({ kind: 'end', task: task.task, done: plan.bytes, unit: 'bytes', seconds });
    return { split, files, tally: hashed.tally };
  } finally {
    await spool.remove();
  }
}

async function evaluateHeldOut(
  request: TrainClassifierRequest,
  heldOut: readonly string[],
): Promise<ClassifierEvaluation> {
  const { out, tokenizer, emit, signal, labelled, threshold } = request;
  const { evaluation } = await evaluateClassifier({
    scorer: await scorerSpec(out),
    labelled: {
      ...labelled,
      labels: heldOut.map((path) => ({ path })),
      positive: [],
      negative: [],
      positiveLabel: 'positive',
      // The rows are cut, chosen and named already.
      cut: 'document',
      minCharacters: 0,
      sourceBy: 'source',
    },
    rule: threshold,
    chooseOn: 'in',
    tokenizer,
    emit,
    signal,
  });
  evaluation.data.files = evaluation.data.files.map((file) => ({ ...file, path: relative(out, file.path) }));
  return evaluation;
}

function recordOf(
  request: TrainClassifierRequest,
  files: TrainingRecord['data']['files'],
  split: SplitPlan,
  ledger: Ledger,
  linesSha256: string,
  settings: Record<string, unknown>,
  result: Record<string, number>,
): TrainingRecord {
  const { seed, ...how } = request.split;
  const { kind, prepare, newline, unit, labels, labelled } = request;
  return {
    version: 1,
    kind,
    settings,
    seed,
    prepare,
    newline,
    unit,
    labels,
    positiveMin: labelled.positiveMin,
    split: how,
    data: {
      files: files.map(({ path, bytes, fingerprint }) => ({ path, bytes, fingerprint })),
      sources: Object.keys(split.counts).filter((source) => split.counts[source]!.train !== undefined),
      heldOutSources: split.heldOutSources,
      counts: split.counts,
      totals: split.totals,
      ledger,
      linesSha256,
    },
    result,
    versions: packageVersions(),
  };
}
