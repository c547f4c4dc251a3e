/** What the user says about a staged pipeline: its parameters, as flags give them. Paths are absolute. */

/** The chat endpoint of label and refine steps. */
export interface EndpointParameters {
  url: string;
  /** The model that labels. */
  model: string;
  /** The model that rewrites; by default the one that labels. */
  refineModel?: string;
  /** Name of the environment variable that holds the key. */
  apiKeyEnv?: string;
  concurrency?: number;
  timeoutSeconds?: number;
  maxRetries?: number;
}

export interface StagedParameters {
  /** By name of a train step, a score step or a classifier: the model to use instead. */
  models: Record<string, string>;
  benchmarks: { card: string; path: string }[];
  /** Examples for train steps that take examples. */
  positive: string[];
  negative: string[];
  endpoint?: { [K in keyof EndpointParameters]?: EndpointParameters[K] | undefined };
  /** Tokens that label and refine steps may use together. */
  budgetTokens?: number;
}

/** For pipelines that are run without flags. */
export const noParameters: StagedParameters = { models: {}, benchmarks: [], positive: [], negative: [] };
