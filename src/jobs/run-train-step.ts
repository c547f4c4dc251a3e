/**
 * A train step of a staged pipeline: a classifier from a judge's labels, from given examples, or both, into `<step>/model` (classify-train.ts).
 * A tenth of the documents is held out and evaluated; the folder's card says what came of it.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFiles } from '../../classifiers/model-folder.ts';
import type { ClassifierEvaluation } from '../core/classifier-evaluation.ts';
import { fingerprint } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { planRead } from '../io/read-plan.ts';
import { trainClassifier } from '../stages/classify-train.ts';
import type { RegressorTraining } from '../stages/classify-train-request.ts';
import { readerInputs } from '../stages/input-spec.ts';
import type { StepOf } from '../stages/staged-config.ts';
import type { RunStep } from './step-context.ts';
import { outputFile, readStepMarker, type StepResult, writeStepMarker } from './step-marker.ts';

const folderName = 'model';

export const runTrainStep: RunStep<'train'> = async ({ folder, step, inputs, upstream, emit, signal }) => {
  const { config } = step;
  const examples = await examplesOf(config);
  const basis = fingerprint([config, upstream, examples]);
  const earlier = await readStepMarker(folder, basis);
  if (earlier !== undefined) return { result: earlier, reused: true };
  await mkdir(folder, { recursive: true });
  const trained = await trainClassifier(requestOf());
  const { folder: model, record, evaluation, ledger, warnings } = trained;
  const weights = await outputFile(folder, join(folderName, model.description.weights), 0);
  // The folder's description holds what else decides a score.
  const description = await outputFile(folder, join(folderName, 'classifier.json'), 0);
  const result: StepResult = {
    ledger,
    outputs: [weights, description],
    facts: {
      kind: config.kind,
      'trained on': `${record.data.totals.train.positive} positive, ${record.data.totals.train.negative} negative`,
      ...(evaluation === undefined ? {} : heldOutFacts(evaluation)),
    },
    warnings: warnings.slice(0, 5),
    complete: true,
  };
  await writeStepMarker(folder, basis, result);
  return { result, reused: false };

  function requestOf(): Parameters<typeof trainClassifier>[0] {
    const isRegressor = config.kind === 'regressor';
    const labels = step.from === null ? [] : inputs.flatMap((input) => readerInputs(input, process.cwd()));
    return {
      kind: config.kind,
      labelled: {
        labels,
        positive: config.positive.map((path) => ({ path })),
        negative: config.negative.map((path) => ({ path })),
        positiveMin: config.positiveMin,
        positiveLabel: 'math',
        cut: 'document',
        minCharacters: 1,
        sourceBy: 'source',
      },
      split: {
        seed: config.seed,
        heldOutSources: [],
        heldOutSourceShare: 0,
        heldOutShare: 0.1,
        balance: 'none',
        perClass: null,
      },
      settings: settingsOf(config),
      labels: { positive: 'math', negative: 'other' },
      ...(isRegressor ? { regressor: regressorOf(config) } : {}),
      // An encoder reads the text as it is.
      prepare: isRegressor ? 'none' : (config.prepare ?? 'megamath'),
      newline: 'space',
      unit: 'document',
      threshold: { by: 'max-f1' },
      tokenizer: null,
      out: join(folder, folderName),
      keepLines: false,
      overwrite: true,
      emit,
      signal,
    };
  }

  function heldOutFacts(found: ClassifierEvaluation): Record<string, string | number> {
    const measured = found.sets.find(({ distribution }) => distribution === 'in') ?? found.sets[0];
    if (measured === undefined) return {};
    const { documents, positives, chosen } = measured;
    const share = (value: number | null): string => (value === null ? 'nothing' : value.toFixed(3));
    return {
      'held out': `${documents} documents, ${positives} positive`,
      'at its best threshold': `${chosen.threshold.toFixed(3)}: precision ${share(chosen.precision)}, recall ${share(chosen.recall)}`,
      'evaluation, with the curves': join(step.name, folderName, modelFiles.page),
    };
  }
};

function settingsOf(config: StepOf<'train'>): Parameters<typeof trainClassifier>[0]['settings'] {
  const { dim, lr, wordNgrams, minCount, minn, maxn, epoch, bucket, loss, seed } = config;
  const given = { dim, lr, wordNgrams, minCount, minn, maxn, epoch, bucket, loss, seed };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function regressorOf({ name, encoder, method, maxLength }: StepOf<'train'>): RegressorTraining {
  if (encoder === undefined) {
    throw new UserError(`${name}: a regressor needs an encoder`, {
      hint: `--set ${name}.encoder=FOLDER, a sentence-embedding model in the Hugging Face layout, or hf://owner/name`,
    });
  }
  return { encoder, method, maxLength };
}

/** Content of the files of examples. Throws a `UserError` for one that is not there. */
async function examplesOf({ name, positive, negative }: StepOf<'train'>): Promise<unknown> {
  if (positive.length + negative.length === 0) return [];
  const read = await planRead([...positive, ...negative].map((path) => ({ path })));
  if (read.units.length === 0) {
    throw new UserError(`${name}: the examples hold no documents`, {
      hint: 'check --positive and --negative',
    });
  }
  return read.inputs.map(({ bytes, fingerprint: content }) => [bytes, content]);
}
