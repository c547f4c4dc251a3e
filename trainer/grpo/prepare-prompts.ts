/**
 * The prompts of a GRPO run, settled before weights are loaded: templates, which problems to learn from fit, how held-out sets are asked, and that
 * every prompt and its answer lie within the model's positions. A function of config, model config and files; no device. Problems to learn from whose
 * prompt is longer than max_prompt_length are left out, as verl's filter_overlong_prompts does; held-out problems are never left out, since that would
 * change what accuracy means, so a set that does not fit is refused.
 */
import { UserError } from '../../src/core/errors.ts';
import type { ExemplarSet } from '../../src/core/evaluation.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import type { ModelConfig } from '../model/config.ts';
import { endTokensOf } from '../model/end-token.ts';
import { loadProblemSet } from '../problem-sets/load-problem-set.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { checkPromptBudget } from '../prompts/encode-prompt.ts';
import { builtInShots } from '../prompts/few-shot.ts';
import { endOfTurn, loadTemplate } from '../prompts/load-template.ts';
import { prefixToken } from '../prompts/prefix-token.ts';
import { type PromptTemplate, stopStringsOf } from '../prompts/templates.ts';
import { answersFor } from '../rewards/index.ts';
import type { GrpoConfig, PromptRequest } from './config.ts';
import type { GrpoPlan } from './plan-grpo.ts';
import { promptTokens, type RolloutSettings } from './rollout.ts';

/** How a problem is asked, and what ends its answer. */
export type Asked = Pick<RolloutSettings, 'tokenizer' | 'template' | 'prefix' | 'endTokens' | 'stopStrings'>;

export interface HeldoutPrompts {
  /** As in metric names; empty for the only set of a config that names none. */
  name: string;
  /** Where it is asked otherwise than in training: its template's name. */
  label: string | undefined;
  problems: readonly Problem[];
  prompt: Asked;
  /** Asked of the start model alone (eval_start_prompts). */
  atStart: boolean;
}

export interface PreparedPrompts {
  own: Asked;
  /** Problems to learn from whose prompts fit max_prompt_length; never empty. */
  fitting: Problem[];
  /** How many do not, and the tokens of the longest prompt of all. */
  leftOut: number;
  longest: number;
  heldout: HeldoutPrompts[];
  /** Tokens of the longest held-out prompt. */
  longestHeldout: number;
}

/** Throws a `UserError` for prompts that do not fit, naming the problem, its length, the limit and what to change. */
export async function preparePrompts(
  config: GrpoConfig,
  plan: GrpoPlan,
  model: ModelConfig,
  problems: readonly Problem[],
): Promise<PreparedPrompts> {
  const tokenizer = await loadTokenizer(config.model);
  const prefix = prefixToken(config.prompt_prefix, model, tokenizer);
  const asked = async (request: PromptRequest, examples?: ExemplarSet): Promise<Asked> => {
    const { template = config.template, num_fewshot: n } = request;
    const shots = n === 0 ? undefined : builtInShots(request.examples ?? examples ?? 'gsm', n);
    const loaded = await loadTemplate({ template, model: config.model, shots });
    const turn = endOfTurn(loaded, tokenizer);
    const endTokens = endTokensOf(config.model, model, tokenizer, turn);
    const stopStrings = config.stop_strings ?? stopStringsOf(loaded);
    return { tokenizer, prefix, template: loaded, endTokens, stopStrings };
  };
  const own = await asked({ num_fewshot: 0 });
  const lengths = problems.map((problem) => promptTokens(own, problem).length);
  const fitting = problems.filter((_, i) => lengths[i]! <= config.max_prompt_length);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  if (fitting.length === 0) {
    const shortest = lengths.reduce((a, b) => Math.min(a, b), longest);
    throw new UserError(
      `none of the ${problems.length} problems to learn from fits max_prompt_length ${config.max_prompt_length} with the template ${own.template.name}: the shortest prompt has ${shortest} tokens`,
      { hint: `raise max_prompt_length; ${longest} takes all of them` },
    );
  }
  // A template that a rollback would bring in must not turn out to be missing when one fires.
  for (const { template } of config.rollback)
    if (template !== undefined) await asked({ template, num_fewshot: 0 });
  const heldout: HeldoutPrompts[] = [];
  let longestHeldout = 1;
  for (const { name, problems: from, prompt } of plan.heldout) {
    const set = await loadProblemSet(from, { answers: answersFor(config) });
    const taken = set.problems.slice(0, config.eval_count);
    const add = async (request: PromptRequest | undefined, atStart: boolean): Promise<void> => {
      const asking = request ? await asked(request, set.evaluation?.fewShot?.exemplars) : own;
      const label = labelOf(asking.template);
      const plain = !atStart && label === labelOf(own.template);
      const found = taken.map((problem) => ({
        id: problem.id,
        length: promptTokens(asking, problem).length,
      }));
      const place = `eval_problems${name === '' ? '' : ` ${name}`} (${set.paths.join(', ')}), template ${label}`;
      const most = checkPromptBudget(found, plan.responseLength, model.maxPositions, {
        place,
        key: 'max_completion_length',
      });
      longestHeldout = Math.max(longestHeldout, most);
      heldout.push({ name, label: plain ? undefined : label, problems: taken, prompt: asking, atStart });
    };
    await add(prompt, false);
    for (const request of config.eval_start_prompts) await add(request, true);
  }
  return { own, fitting, leftOut: problems.length - fitting.length, longest, heldout, longestHeldout };
}

/** What to say of problems that are left out; nothing where none is. */
export function leftOutInWords({ fitting, leftOut, longest }: PreparedPrompts, limit: number): string[] {
  if (leftOut === 0) return [];
  return [
    `${leftOut} of ${fitting.length + leftOut} problems to learn from are left out: their prompts are longer than max_prompt_length ${limit} (the longest has ${longest} tokens)`,
  ];
}

/** `simple`, or `simple-8shot`. */
function labelOf({ name, shots }: PromptTemplate): string {
  return shots === undefined ? name : `${name}-${shots.n}shot`;
}
