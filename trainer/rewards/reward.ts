/** What a reward function sees and gives. One file per reward; the list is in index.ts. */
export interface RewardInput {
  question: string;
  completion: string;
  /** The reference answer. */
  expected: string;
  truncated: boolean;
}

export interface RewardResult {
  reward: number;
  /** The answer that was found in the completion, if any. */
  answer: string | undefined;
  correct: boolean;
}

export interface Reward {
  readonly name: string;
  readonly score: (input: RewardInput) => RewardResult;
}
