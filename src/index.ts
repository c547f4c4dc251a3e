/**
 * What a script can call: the same functions the commands call. Everything else is internal.
 *
 *   pipeline   loadPipeline, filterConfigSchema, planCorpus, filterCorpus, htmlToText
 *   mixture    loadRecipe, planMixture, mix
 *   tokens     loadTokenizer, trainBpe, openTokenShard
 *   trainer    openDevice, train, grpo, generate, evaluateProblems, loadModel, computeLogits
 *   report     readRun, renderReport
 */
export { type LoadedRecipe, loadRecipe } from '../mixtures/load.ts';
export { type MixturePlan, type PlanOptions, planMixture } from '../mixtures/plan.ts';
export {
  type EvaluationRequest,
  type EvaluationResult,
  evaluateProblems,
} from '../trainer/evaluation/evaluate-problems.ts';
export { type DeviceInfo, type DeviceOptions, type Gpu, openDevice } from '../trainer/gpu/device.ts';
export { type GrpoConfig, grpoConfigSchema } from '../trainer/grpo/config.ts';
export { type GrpoOptions, type GrpoResult, grpo } from '../trainer/grpo/grpo.ts';
export { computeLogits } from '../trainer/learner/logits.ts';
export { loadModel } from '../trainer/model/folder.ts';
export { type GenerateRequest, generate } from '../trainer/sampler/generate.ts';
export { type TrainOptions, type TrainResult, train } from '../trainer/training/train.ts';
export { type TrainConfig, trainConfigSchema } from '../trainer/training/train-config.ts';
export { InputError, InterruptedError, UserError } from './core/errors.ts';
export type { Emit, ProgressEvent } from './core/events.ts';
export type { MetricRow, RunRecord } from './core/record.ts';
export { type ExtractedText, htmlToText } from './extract/html-to-text.ts';
export { readRun } from './io/run-record.ts';
export { openTokenShard, type TokenShard } from './io/token-shard.ts';
export {
  type FilterResult,
  filterCorpus,
  filterRank,
  type RankResult,
} from './jobs/filter-corpus.ts';
export type { FilterOptions } from './jobs/filter-options.ts';
export { type JobStatus, jobStatus } from './jobs/job-status.ts';
export { planCorpus } from './jobs/plan-corpus.ts';
export { type ReportOptions, type ReportRun, renderReport } from './report/report.ts';
export { type FilterConfig, filterConfigSchema } from './stages/filter-config.ts';
export { loadPipeline } from './stages/load-pipeline.ts';
export { type MixResult, mix } from './stages/mix.ts';
export type { MixRequest } from './stages/mix-request.ts';
export { type TrainBpeOptions, trainBpe } from './tokens/bpe-train.ts';
export { loadTokenizer, type Tokenizer } from './tokens/tokenizer.ts';
