/**
 * The most that the language-model steps of a plan can cost, from what is known before the run: bytes and, where the files tell, documents
 * of the input. Every document could come as far as the step, so these are upper bounds; a step states its own estimate again when it
 * knows its documents. Four bytes count as a token; a page's HTML counts whole.
 */
import type { StepPlan } from './plan-steps.ts';

export interface InputSize {
  bytes: number;
  /** Undefined where the files do not tell. */
  documents: number | undefined;
}

export interface StepEstimate {
  step: string;
  /** Undefined where nothing bounds them. */
  documents: number | undefined;
  promptTokens: number;
  completionTokens: number;
}

/** What is sent with each request besides the document, in tokens: a rubric has some 400. */
const instructionTokens = 500;
const bytesPerToken = 4;

export interface EstimateDefaults {
  judgeCharacters: number;
  judgeTokens: number;
  refineCharacters: number;
}

/** One entry for each label and refine step. */
export function estimateSteps(plan: StepPlan, size: InputSize, defaults: EstimateDefaults): StepEstimate[] {
  const estimates: StepEstimate[] = [];
  const inputTokens = Math.ceil(size.bytes / bytesPerToken);
  for (const { name, config, from } of plan.steps) {
    if (config.step === 'label') {
      const sample = plan.steps.find((step) => step.name === from)?.config;
      const drawn = sample?.step === 'sample' ? sample.count : Number.POSITIVE_INFINITY;
      const documents = Math.min(drawn, size.documents ?? Number.POSITIVE_INFINITY);
      const most = Math.ceil((config.maxCharacters ?? defaults.judgeCharacters) / bytesPerToken);
      estimates.push({
        step: name,
        documents,
        promptTokens: Math.min(documents * most, inputTokens) + documents * instructionTokens,
        completionTokens: documents * (config.maxTokens ?? defaults.judgeTokens),
      });
    }
    if (config.step === 'refine') {
      // A long document goes in pieces, each with the instruction.
      const piece = (config.maxCharacters ?? defaults.refineCharacters) / bytesPerToken;
      const requests = Math.ceil(inputTokens / piece) + (size.documents ?? 0);
      estimates.push({
        step: name,
        documents: size.documents,
        promptTokens: inputTokens + requests * instructionTokens,
        completionTokens: inputTokens,
      });
    }
  }
  return estimates;
}
