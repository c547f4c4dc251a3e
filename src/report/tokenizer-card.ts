/** The card of a tokenizer's folder. What it was trained on stands nowhere in its files, so the card says so. */
import type { JoinedLicence } from '../core/licences.ts';
import { bullets, type HubCard, licenceFront, licenceSection, sections } from './hub-card.ts';
import { codeBlock, escapeMarkdown } from './markdown.ts';
import { whole } from './number-format.ts';

export interface TokenizerCardInput {
  name: string;
  kind: string;
  vocabSize: number;
  merges: number | undefined;
  fingerprint: string;
  specialTokens: string[];
  hasChatTemplate: boolean;
  licence: JoinedLicence;
  version: string;
}

export function tokenizerCard(input: TokenizerCardInput): HubCard {
  return {
    front: {
      ...licenceFront(input.licence),
      library_name: 'transformers',
      tags: ['midtrain', 'tokenizer'],
    },
    body: sections([
      `# ${escapeMarkdown(input.name)}`,
      bullets([
        ['Written with', `midtrain ${input.version}`],
        ['Kind', input.kind],
        ['Vocabulary', `${whole(input.vocabSize)} tokens`],
        ['Merges', input.merges === undefined ? undefined : whole(input.merges)],
        ['Special tokens', input.specialTokens.slice(0, 50).join(', ')],
        ['Chat template', input.hasChatTemplate ? 'yes' : 'none'],
        ['sha256 of tokenizer.json', input.fingerprint],
      ]),
      'The files do not say which texts it was trained on.',
      codeBlock(
        'from transformers import AutoTokenizer\n\ntokenizer = AutoTokenizer.from_pretrained(".")',
        'python',
      ),
      licenceSection(input.licence, [], []),
    ]),
  };
}
