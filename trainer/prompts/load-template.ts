/**
 * A prompt template made ready for a model: `chat` needs the model's tokenizer files, the others need only their name. Base models without a chat
 * template get an error that says what to use instead.
 */
import { InputError, UserError } from '../../src/core/errors.ts';
import { ChatTemplate } from '../../src/tokens/chat-template.ts';
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import { readTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import type { FewShot } from './few-shot.ts';
import { chatName, findTemplate, type PromptTemplate } from './templates.ts';

export interface TemplateRequest {
  /** `simple`, `complex`, `question`, `chat`, or a text with `{question}`. */
  template: string;
  /** Folder with the tokenizer. */
  model: string;
  /** First message of `chat`. */
  system?: string | undefined;
  shots?: FewShot | undefined;
}

export async function loadTemplate({
  template,
  model,
  system,
  shots,
}: TemplateRequest): Promise<PromptTemplate> {
  const examples = shots === undefined || shots.n === 0 ? {} : { shots };
  if (template !== chatName) {
    if (system !== undefined) {
      throw new UserError(
        `a system prompt goes with the template chat, not with ${JSON.stringify(template)}`,
        {
          hint: 'use --template chat, or write the text into a template of your own',
        },
      );
    }
    return { ...findTemplate(template), ...examples };
  }
  const chat = ChatTemplate.of(await readTokenizerFiles(model));
  if (chat === undefined) {
    throw new InputError(model, 'its tokenizer has no chat template: this is a base model', {
      hint: 'use the template simple or complex, or a text of your own that holds {question}',
    });
  }
  return {
    name: chatName,
    text: '{question}',
    evidence: 'own',
    chat: { template: chat, ...(system === undefined ? {} : { system }) },
    ...examples,
  };
}

/**
 * The token that ends the assistant's turn in a chat template, which is not always the model's end-of-text token (`<|im_end|>`, `<|eot_id|>`);
 * undefined where the template writes none.
 */
export function endOfTurn(template: PromptTemplate, tokenizer: Tokenizer): number | undefined {
  if (template.chat === undefined) return undefined;
  const said = 'four';
  const rendered = template.chat.template.render([
    { role: 'user', content: 'two and two' },
    { role: 'assistant', content: said },
  ]);
  if ('problem' in rendered) return undefined;
  const text = rendered.parts.map((part) => part.text).join('');
  const after = text.slice(text.lastIndexOf(said) + said.length).trimStart();
  if (after === '') return undefined;
  const [first] = tokenizer.encode(after, { special: true });
  if (first === undefined) return undefined;
  // A special token is decoded to nothing when special tokens are left out.
  return tokenizer.decode([first], { special: false }) === '' ? first : undefined;
}
