/** A sample step of a staged pipeline: documents to label, drawn evenly over years, crawls or another column (classify-sample.ts). */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { sampleDocuments } from '../stages/classify-sample.ts';
import { readerInputs } from '../stages/input-spec.ts';
import type { RunStep } from './step-context.ts';
import { outputFile, readStepMarker, type StepResult, writeStepMarker } from './step-marker.ts';

const file = 'sample.parquet';

export const runSampleStep: RunStep<'sample'> = async ({ folder, step, inputs, upstream, emit, signal }) => {
  const { count, stratifyBy, allocation, minCharacters, seed } = step.config;
  const basis = fingerprint([step.config, upstream]);
  const earlier = await readStepMarker(folder, basis);
  if (earlier !== undefined) return { result: earlier, reused: true };
  await mkdir(folder, { recursive: true });
  const drawn = await sampleDocuments({
    inputs: inputs.flatMap((input) => readerInputs(input, process.cwd())),
    count,
    stratifyBy,
    allocation,
    minCharacters,
    allowUnknown: true,
    seed,
    out: join(folder, file),
    emit,
    signal,
  });
  const result: StepResult = {
    ledger: drawn.ledger,
    outputs: [await outputFile(folder, file, drawn.documents)],
    facts: {
      documents: drawn.documents,
      [`strata (${stratifyBy})`]: drawn.strata.length,
      'documents by stratum': drawn.strata.map(({ stratum, drawn: of }) => `${stratum} ${of}`).join(', '),
    },
    warnings: drawn.warnings,
    complete: drawn.failures.length === 0,
  };
  await writeStepMarker(folder, basis, result);
  return { result, reused: false };
};
