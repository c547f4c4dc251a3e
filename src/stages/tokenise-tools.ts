/** What tokenising needs beside the texts: the tokenizer, and its chat template where it has one. */
import { ChatTemplate } from '../tokens/chat-template.ts';
import { type Tokenizer, tokenizerOf } from '../tokens/tokenizer.ts';
import type { TokenizerFiles } from '../tokens/tokenizer-files.ts';

export interface TokeniseTools {
  tokenizer: Tokenizer;
  /** Made when a source of the template `chat` is first met: a template may be one that cannot be read. */
  chat(): ChatTemplate | undefined;
}

export function toolsFor(tokenizer: Tokenizer): TokeniseTools {
  let chat: ChatTemplate | undefined;
  return {
    tokenizer,
    chat() {
      if (chat === undefined && tokenizer.chat !== undefined) chat = new ChatTemplate(tokenizer.chat);
      return chat;
    },
  };
}

/** In another thread: the tokenizer made again from its files. */
export async function toolsOf(files: TokenizerFiles, name: string): Promise<TokeniseTools> {
  return toolsFor(await tokenizerOf(files, name));
}
