/**
 * A problem as a model sees it: the prompt's text and its tokens.
 *
 * A text template is filled for every worked example and for the problem; they are joined by a blank line, the solution following its template with
 * nothing between (as documents are written, src/tokens/templates.ts), and the prefix token begins the whole. Of a chat template examples
 * are turns, a row's own conversation (verl) is taken as it is, and the template writes its own beginning, so no prefix is added (a doubled BOS is
 * a known trap, recipe 7.2). What a problem says never becomes a special token.
 */
import { UserError } from '../../src/core/errors.ts';
import { type ChatMessage, encodeChat, textOfParts } from '../../src/tokens/chat-template.ts';
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { shotsFor } from './few-shot.ts';
import { fillTemplate, type PromptTemplate } from './templates.ts';

export interface PromptSettings {
  tokenizer: Tokenizer;
  template: PromptTemplate;
  /** Token put before the prompt, as documents begin in training. */
  prefix: number | undefined;
}

export interface Prompt {
  text: string;
  tokens: number[];
}

export function encodePrompt(settings: PromptSettings, problem: Problem): Prompt {
  const { tokenizer, template, prefix } = settings;
  if (template.chat !== undefined) return chatPrompt(settings, problem);
  const text = promptText(template, problem);
  const ids = tokenizer.encode(text, { special: false });
  return { text, tokens: prefix === undefined ? [...ids] : [prefix, ...ids] };
}

/** The text of a prompt of any template but `chat`. */
export function promptText(template: PromptTemplate, problem: Problem): string {
  const shots = shotsFor(template.shots, problem.question);
  const worked = shots.map(({ question, solution }) => `${fillTemplate(template, question)}${solution}\n\n`);
  return `${worked.join('')}${fillTemplate(template, problem.question)}`;
}

function chatPrompt({ tokenizer, template }: PromptSettings, problem: Problem): Prompt {
  const { template: chat, system } = template.chat!;
  const shots = shotsFor(template.shots, problem.question);
  const own: ChatMessage[] =
    problem.messages === undefined
      ? [{ role: 'user', content: fillTemplate(template, problem.question) }]
      : [...problem.messages];
  const first = own[0]?.role === 'system' ? own.shift() : undefined;
  const opening = system === undefined ? first : { role: 'system', content: system };
  const rendered = chat.render(
    [
      ...(opening === undefined ? [] : [opening]),
      ...shots.flatMap(({ question, solution }) => [
        { role: 'user', content: fillTemplate(template, question) },
        { role: 'assistant', content: solution },
      ]),
      ...own,
    ],
    { addGenerationPrompt: true },
  );
  if ('problem' in rendered) {
    throw new UserError(
      `problem ${problem.id}: the chat template refuses it (${rendered.problem}${chat.lastError === '' ? '' : `: ${chat.lastError}`})`,
      {
        hint:
          opening === undefined
            ? 'look at the roles of its messages, or use another template'
            : 'some templates take no system message; leave the system prompt out',
      },
    );
  }
  return { text: textOfParts(rendered.parts), tokens: [...encodeChat(tokenizer, rendered.parts)] };
}

/**
 * Throws where prompt and answer of some problem do not fit into the model's context: a cut prompt would be graded as a wrong answer. Gives the
 * longest prompt's length. `where` says which problems these are and what the length of answers is called; default: `midtrain eval`.
 */
export function checkPromptBudget(
  prompts: readonly { id: string; length: number }[],
  maxTokens: number,
  context: number,
  where: { place?: string; key?: string } = {},
): number {
  const longest = prompts.reduce((a, b) => (b.length > a.length ? b : a), { id: '', length: 0 });
  if (longest.length + maxTokens > context) {
    const over = prompts.filter(({ length }) => length + maxTokens > context).length;
    const { place, key = '--max-tokens' } = where;
    throw new UserError(
      `${place === undefined ? '' : `${place}: `}the prompt of problem ${longest.id} has ${longest.length} tokens; with ${maxTokens} for the answer that is more than the model's context of ${context} (${over} of ${prompts.length} problems do not fit)`,
      {
        hint:
          longest.length < context
            ? `give at most ${context - longest.length} tokens to answers (${key}), fewer examples, or leave the long problems out`
            : 'give fewer examples, or leave the long problems out',
      },
    );
  }
  return longest.length;
}
