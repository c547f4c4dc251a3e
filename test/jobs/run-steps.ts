/** A pipeline with steps as a process of its own, for tests that kill it: `node run-steps.ts <StepsProcess as JSON>`. Ends with the summary on standard output. */
import './compile-cache.ts';
import { runSteps } from '../../src/jobs/staged-job.ts';
import { inputSpecSchema } from '../../src/stages/input-spec.ts';
import { findPipeline } from '../../src/stages/load-pipeline.ts';
import { planSteps } from '../../src/stages/plan-steps.ts';
import { noParameters } from '../../src/stages/staged-parameters.ts';

export interface StepsProcess {
  pipeline: string;
  inputs: string[];
  out: string;
  endpoint: string;
  changes?: Record<string, string>;
  models?: Record<string, string>;
}

const { pipeline, inputs, out, endpoint, changes, models } = JSON.parse(process.argv[2]!) as StepsProcess;
const found = findPipeline(pipeline, process.cwd(), { steps: true, changes: changes ?? {} });
if (!('staged' in found)) throw new Error(`${pipeline} has no steps`);
const plan = planSteps(found.staged, found.file, {
  ...noParameters,
  models: models ?? {},
  endpoint: { url: endpoint, model: 'fake', concurrency: 4 },
});
const result = await runSteps(
  plan,
  inputs.map((path) => inputSpecSchema.parse({ path })),
  { out, workers: 2 },
);
process.stdout.write(JSON.stringify(result.summary));
process.exit(0);
