/** Measures without parameters, by name. Pure. */
import {
  type CellRun,
  findingsOf,
  inSummary,
  isAbsent,
  largestFall,
  lastMixture,
  lastPhase,
  lossOf,
  type Measured,
  maximum,
  noRl,
} from './cell-runs.ts';
import { asTheyAre, evaluated, type MeasureBody } from './measure.ts';

export const plainMeasures: Readonly<Record<string, MeasureBody>> = {
  base_accuracy: {
    label: 'accuracy before RL',
    unit: 'share',
    likeOnly: true,
    about:
      'Share of held-out problems answered rightly by the checkpoint that RL starts from, sampled with the prompt of RL (the evaluation at step 0).',
    of: evaluated('eval_accuracy', (points) =>
      points[0]!.step === 0 ? points[0]!.value : { absent: 'the RL run was not evaluated at step 0' },
    ),
  },
  rl_accuracy_max: {
    label: 'greatest RL accuracy',
    unit: 'share',
    likeOnly: false,
    about: `The greatest accuracy among the evaluations of the RL run; of noisy evaluations it is the luckiest. ${asTheyAre}`,
    of: evaluated('eval_accuracy', (points) => maximum(points).value),
  },
  rl_accuracy_max_step: {
    label: 'step of the greatest RL accuracy',
    unit: 'steps',
    likeOnly: false,
    about: 'The first RL step whose evaluation has the greatest accuracy of the run.',
    of: evaluated('eval_accuracy', (points) => maximum(points).step),
  },
  collapse: {
    label: 'largest fall of accuracy during RL',
    unit: 'points',
    likeOnly: false,
    about:
      'How far an evaluation of the RL run lies below the best one before it, at most; 0 where accuracy never fell. Sampling alone gives a few points.',
    of: evaluated('eval_accuracy', largestFall),
  },
  signatures_fired: {
    label: 'signatures of failure that fired',
    unit: 'number',
    likeOnly: false,
    about: 'How many different signatures of failure fired during the RL run.',
    of: ({ grpo }) => (grpo === undefined ? noRl : new Set(findingsOf(grpo).map((f) => f.signature)).size),
  },
  heldout_loss: {
    label: 'held-out loss',
    unit: 'nats',
    likeOnly: true,
    about:
      'Loss per held-out token over all sources of the arm, last evaluation of the phase that RL starts from; where arms mix different sources it is no comparison of models.',
    of: (runs) => lossOf(runs, 'eval_loss'),
  },
  mid_training_tokens: {
    label: 'tokens trained before RL',
    unit: 'tokens',
    likeOnly: false,
    about: 'Tokens trained over both phases up to the checkpoint that RL starts from.',
    of: (runs) => inSummary(lastPhase(runs), ['tokens'], 'no training phase says its tokens'),
  },
  qa_share: {
    label: 'share of question-answer data',
    unit: 'share',
    likeOnly: false,
    about:
      'Share of the tokens of the last mixture before RL whose sources are question-answer pairs, long ones counted in.',
    of: (runs) => inSummary(lastMixture(runs), ['qaShare'], 'no mixture says its question-answer share'),
  },
  instruction_share: {
    label: 'share of instruction data',
    unit: 'share',
    likeOnly: false,
    about: 'Share of the tokens of the last mixture before RL whose sources are instruction data.',
    of: (runs) => inSummary(lastMixture(runs), ['instructionShare'], 'no mixture says its instruction share'),
  },
  tokens_kept: {
    label: 'tokens kept by the filter',
    unit: 'tokens',
    likeOnly: false,
    about: 'Tokens of the documents that the filter kept, as its run counted or estimated them.',
    of: ({ filter }) => inSummary(filter, ['keptTokens'], noFilter(filter)),
  },
  documents_kept: {
    label: 'documents kept by the filter',
    unit: 'number',
    likeOnly: false,
    about: 'Documents that the filter kept.',
    of: ({ filter }) => inSummary(filter, ['ledger', 'kept'], noFilter(filter)),
  },
  chains_kept: {
    label: 'self-generated chains kept',
    unit: 'number',
    likeOnly: false,
    about:
      'Chains that the model wrote itself and that were kept, right answers only unless the arm says otherwise.',
    of: ({ chains }) => inSummary(chains, ['chains', 'kept'], noChains(chains)),
  },
  chains_kept_share: {
    label: 'share of self-generated chains kept',
    unit: 'share',
    likeOnly: false,
    about: 'Chains kept, of those that were drawn.',
    of: ({ chains }) =>
      shareOf(chains, ['chains', 'kept'], ['chains', 'asked'], noChains(chains), 'no chain was drawn'),
  },
  share_kept: {
    label: 'share of documents kept by the filter',
    unit: 'share',
    likeOnly: false,
    about: 'Documents that the filter kept, of those it read.',
    of: ({ filter }) =>
      shareOf(filter, ['ledger', 'kept'], ['ledger', 'in'], noFilter(filter), 'the filter read no document'),
  },
};

function shareOf(
  run: CellRun | undefined,
  part: readonly string[],
  whole: readonly string[],
  absent: string,
  empty: string,
): Measured {
  const [a, b] = [inSummary(run, part, absent), inSummary(run, whole, absent)];
  if (isAbsent(a) || isAbsent(b)) return { absent };
  return b === 0 ? { absent: empty } : a / b;
}

function noFilter(run: CellRun | undefined): string {
  return run === undefined ? 'there is no filter run' : 'the filter run does not say it';
}

function noChains(run: CellRun | undefined): string {
  return run === undefined
    ? 'there is no run of self-generated chains'
    : 'the run of the chains does not say it';
}
