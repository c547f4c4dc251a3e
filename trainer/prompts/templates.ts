/**
 * Prompt templates by name. `simple` is the paper's `Question:{}\nAnswer:{}` (section 2.1, confirmed). `complex` has the structure of
 * the template it trained its final models with (recipe 4.5: a conversation is set up, the answer must be in \boxed{}, the question, the
 * assistant's turn); its exact words are not public, so these are our own. `question` is the question alone, for files whose questions are whole
 * prompts. `chat` is the tokenizer's own template (chat-prompt.ts); base models have none.
 */

import { nearest } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import type { ChatTemplate } from '../../src/tokens/chat-template.ts';
import type { FewShot } from './few-shot.ts';

export interface PromptTemplate {
  readonly name: string;
  /** Holds `{question}`; of `chat` the user's turn. */
  readonly text: string;
  readonly evidence: Evidence;
  /** Where the template is the tokenizer's own: that template, and a system message for its first turn. */
  readonly chat?: { readonly template: ChatTemplate; readonly system?: string };
  /** Worked examples in front of the problem. */
  readonly shots?: FewShot;
}

const slot = '{question}';

export const promptTemplates: readonly PromptTemplate[] = [
  { name: 'simple', text: `Question:${slot}\nAnswer:`, evidence: 'confirmed' },
  {
    name: 'complex',
    text:
      'A User asks and an Assistant replies. The Assistant first works the problem out step by step and then states the result.\n' +
      `User: Put the final result inside \\boxed{}, because only what stands in the box is read.\n${slot}\nAssistant:`,
    evidence: 'own',
  },
  { name: 'question', text: slot, evidence: 'own' },
];

/** The name under which a tokenizer's own template is asked for. */
export const chatName = 'chat';

/** A built-in template by name, or the text itself when it holds `{question}`. For `chat` too use `loadTemplate`. */
export function findTemplate(nameOrText: string): PromptTemplate {
  const known = promptTemplates.find((template) => template.name === nameOrText);
  if (known) return known;
  if (nameOrText.includes(slot)) return { name: 'custom', text: nameOrText, evidence: 'own' };
  const names = [...promptTemplates.map((t) => t.name), chatName];
  const near = nearest(nameOrText, names);
  throw new UserError(
    `no prompt template "${nameOrText}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    { hint: `use ${names.join(', ')}, or a text of your own that holds ${slot}` },
  );
}

export function fillTemplate(template: PromptTemplate, question: string): string {
  return template.text.replace(slot, () => question);
}

/** Where vLLM stopped in the paper's runs: without them a base model goes on to invent the next question. */
export const defaultStopStrings: readonly string[] = ['User:', 'Assistant:', 'Question:', 'Answer:'];

/** The stop strings that go with a template: a chat model ends its turn with a token, and may well write `Answer:`. */
export function stopStringsOf(template: PromptTemplate): readonly string[] {
  return template.chat === undefined ? defaultStopStrings : [];
}
