/**
 * What a reward sees and gives. A reward scores a whole batch at once and may take its time (a worker, a server), so `score` is async. `null`
 * means "could not be scored": it failed, ran out of time, or does not apply to the row. It is never turned into a zero, which would teach.
 */
export interface RewardInput {
  /** The problem as its data set has it, and the text the model saw. */
  question: string;
  prompt: string;
  completion: string;
  /** The reference answer. */
  expected: string;
  /** The completion ended because it reached the longest length allowed. */
  truncated: boolean;
  completionTokens: number;
  /** The token ids, where they are at hand: repetition is counted over them, as in TRL, and else over words. */
  completionIds?: readonly number[];
  /** Texts of the choices A, B, C, ... of a multiple-choice problem. */
  choices?: readonly string[];
  /** The problem's own columns. */
  row: Readonly<Record<string, unknown>>;
}

/** One entry for each input, in order. */
export interface RewardScores {
  reward: (number | null)[];
  /** Whether the answer is right, by the part of the reward that judges it, else by the grader; null without a reference answer. */
  correct: (boolean | null)[];
  /** The answer that was found in the completion, if any. */
  answers: (string | undefined)[];
  /** Unweighted values by the name of each part, as TRL's `rewards/{name}/mean` metrics need them. */
  components: Readonly<Record<string, readonly (number | null)[]>>;
  /** Parts that failed for the whole batch, with the reason; their values are null, and so is the reward of every row. */
  failures?: Readonly<Record<string, string>>;
  /** Those of them that ran out of time. */
  timedOut?: readonly string[];
}

export interface Reward {
  readonly name: string;
  score(batch: readonly RewardInput[], signal?: AbortSignal): Promise<RewardScores>;
  /** Stops what the reward keeps running (the worker of a user module). */
  close?(): Promise<void>;
}

/** One function of a weighted combination. */
export interface RewardPart {
  readonly name: string;
  score(batch: readonly RewardInput[], signal?: AbortSignal): PartScores | Promise<PartScores>;
  close?(): Promise<void>;
}

export interface PartScores {
  readonly values: readonly (number | null)[];
  readonly correct?: readonly (boolean | null)[];
  readonly answers?: readonly (string | undefined)[];
  /** The part failed for the whole batch. */
  readonly failure?: string;
  /** Because it ran out of time. */
  readonly timedOut?: boolean;
}
