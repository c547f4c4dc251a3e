/**
 * How the fields of a record become one training text (OctoThinker, section 3 and 4; recipe.md 2.4):
 *
 * text             as it is
 * question-answer  `Question:{question}\nAnswer:{answer}`, the paper's simple template and the form of MegaMath-QA
 * question-think   question, line break, reasoning; and a line break and the answer where the source maps one (whether the paper kept
 *                  the final answer is not known)
 * user-assistant   `User:{}\nAssistant:{}` for every turn, turns joined by a line break
 */
import { type TemplateName, templateSlots } from '../core/card.ts';

export interface Message {
  role: string;
  content: string;
}

export interface DocumentFields {
  text?: string;
  question?: string;
  reasoning?: string;
  answer?: string;
  messages?: Message[];
}

const speakers: Record<string, string> = {
  user: 'User',
  human: 'User',
  assistant: 'Assistant',
  gpt: 'Assistant',
  model: 'Assistant',
  system: 'System',
};

export type Formatted = { text: string } | { problem: 'missing_field' | 'empty' | 'unknown_speaker' };

/** The text, or why the record has none. */
export function formatDocument(template: TemplateName, fields: DocumentFields): Formatted {
  if (template === 'user-assistant' && fields.messages !== undefined) return conversation(fields.messages);
  for (const slot of templateSlots[template]) {
    if (fields[slot] === undefined) return { problem: 'missing_field' };
    if ((fields[slot] as string).trim() === '') return { problem: 'empty' };
  }
  const { text, question, reasoning, answer } = fields;
  switch (template) {
    case 'text':
      return { text: text! };
    case 'question-answer':
      return { text: `Question:${question}\nAnswer:${answer}` };
    case 'question-think':
      return {
        text:
          answer === undefined || answer.trim() === ''
            ? `${question}\n${reasoning}`
            : `${question}\n${reasoning}\n${answer}`,
      };
    case 'user-assistant':
      return { text: `User:${question}\nAssistant:${answer}` };
  }
}

function conversation(messages: readonly Message[]): Formatted {
  if (messages.length === 0) return { problem: 'empty' };
  const turns: string[] = [];
  for (const { role, content } of messages) {
    const speaker = speakers[role.toLowerCase()];
    if (speaker === undefined) return { problem: 'unknown_speaker' };
    turns.push(`${speaker}:${content}`);
  }
  return { text: turns.join('\n') };
}
