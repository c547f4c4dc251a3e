/**
 * Prompt templates for base models. `simple` is the paper's `Question:{}\nAnswer:{}` (section 2.1, confirmed). `complex` has the structure of
 * the template it trained its final models with (recipe 4.5: a conversation is set up, the answer must be in \boxed{}, the question, the
 * assistant's turn); its exact words are not public, so these are our own.
 */

import { UserError } from '../../src/core/errors.ts';
import type { Evidence } from '../../src/core/evidence.ts';

export interface PromptTemplate {
  readonly name: string;
  readonly text: string;
  readonly evidence: Evidence;
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
];

/** A built-in template by name, or the text itself when it holds `{question}`. */
export function findTemplate(nameOrText: string): PromptTemplate {
  const known = promptTemplates.find((template) => template.name === nameOrText);
  if (known) return known;
  if (nameOrText.includes(slot)) return { name: 'custom', text: nameOrText, evidence: 'own' };
  throw new UserError(`no prompt template "${nameOrText}"`, {
    hint: `use ${promptTemplates.map((t) => t.name).join(' or ')}, or a text of your own that holds ${slot}`,
  });
}

export function fillTemplate(template: PromptTemplate, question: string): string {
  return template.text.replace(slot, () => question);
}

/** Where vLLM stopped in the paper's runs: without them a base model goes on to invent the next question. */
export const defaultStopStrings: readonly string[] = ['User:', 'Assistant:', 'Question:', 'Answer:'];
