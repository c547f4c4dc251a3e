/**
 * How the fields of a record become one training text (OctoThinker, section 3 and 4; recipe.md 2.4):
 *
 * text             as it is
 * question-answer  `Question:{question}\nAnswer:{answer}`, the paper's simple template and the form of MegaMath-QA
 * question-think   question, line break, reasoning; and a line break and the answer where the source maps one (whether the paper kept
 *                  the final answer is not known)
 * user-assistant   `User:{}\nAssistant:{}` for every turn, turns joined by a line break
 * chat             the tokenizer's own chat template (chat-template.ts), in parts: what the template writes may hold special tokens, what
 *                  the record says never does
 */
import { type TemplateName, templateSlots } from '../core/card.ts';
import type { ChatPart, ChatTemplate } from './chat-template.ts';

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

/** Why a record gives no text; the ledger counts each by this name. */
export type FormatProblem =
  | 'missing_field'
  | 'empty'
  | 'unknown_speaker'
  | 'template_error'
  | 'template_too_long';

/** The text (for `chat`: its parts, to be encoded apart), or why the record has none. */
export type Formatted = { text: string } | { parts: ChatPart[] } | { problem: FormatProblem };

/** The text of a record. `chat` is needed for the template of that name only. */
export function formatDocument(
  template: TemplateName,
  fields: DocumentFields,
  chat?: ChatTemplate,
): Formatted {
  const talk = template === 'user-assistant' || template === 'chat';
  if (talk && fields.messages !== undefined)
    return template === 'chat' ? chatOf(fields.messages, chat) : conversation(fields.messages);
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
    case 'chat':
      return chatOf(
        [
          { role: 'user', content: question! },
          { role: 'assistant', content: answer! },
        ],
        chat,
      );
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

/** ShareGPT's names of the speakers become the ones that chat templates know; others go to the template as they are. */
const chatRoles: Record<string, string> = { human: 'user', gpt: 'assistant', model: 'assistant' };

function chatOf(messages: readonly Message[], chat: ChatTemplate | undefined): Formatted {
  if (chat === undefined) throw new Error('template chat needs the chat template of a tokenizer');
  if (messages.length === 0) return { problem: 'empty' };
  return chat.render(
    messages.map(({ role, content }) => ({ role: chatRoles[role.toLowerCase()] ?? role, content })),
  );
}
