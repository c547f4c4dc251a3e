/**
 * The card of a mixture: its sources with the shares asked for and achieved, repeats, licences, tokenizer, and how to read the shards. It holds
 * tokens and not documents, so it is no source of another mixture and has no `midtrain:` block.
 */
import type { JoinedLicence } from '../core/licences.ts';
import {
  bullets,
  type CardLicence,
  type HubCard,
  licenceFront,
  licenceSection,
  sections,
  sizeCategory,
} from './hub-card.ts';
import { codeBlock, escapeMarkdown, markdownTable } from './markdown.ts';
import { mixFacts } from './mix-facts.ts';
import { decimal, percent, whole } from './number-format.ts';
import type { PreparedRun } from './report-run.ts';

export interface MixCardInput {
  run: PreparedRun;
  name: string;
  /** Of `manifest.json`: what lies where, in words, and the files. */
  layout: string | undefined;
  files: { path: string; bytes: number; sha256: string; tokens?: number }[];
  tokenizer: { name: string; fingerprint: string; vocabSize: number; eosId: number } | undefined;
  description: string | undefined;
  languages: string[] | undefined;
  licence: JoinedLicence;
  sources: CardLicence[];
  warnings: string[];
  version: string;
}

export function mixCard(input: MixCardInput): HubCard {
  const facts = mixFacts(input.run);
  const { record } = input.run;
  const documents = facts.sources.reduce((n, source) => n + (source.documents ?? 0), 0);
  const shards = input.files.filter(({ path }) => path.startsWith('shards/') && path.endsWith('.ds'));
  const window = facts.sequenceLength === undefined ? undefined : facts.sequenceLength + 1;
  const packing = record.summary.packing;
  const padding = record.summary.paddingTokens;
  const tokenBytes = input.tokenizer === undefined ? undefined : input.tokenizer.vocabSize > 65_536 ? 4 : 2;
  return {
    front: {
      ...licenceFront(input.licence),
      pretty_name: input.name,
      language: input.languages,
      size_categories: [sizeCategory(documents)],
      task_categories: ['text-generation'],
      tags: ['midtrain', 'pretraining', 'tokenized', 'datatrove', 'nanotron'],
      // Token shards are no rows that the Hub could show.
      viewer: false,
    },
    body: sections([
      `# ${escapeMarkdown(input.name)}`,
      input.description === undefined ? undefined : escapeMarkdown(input.description),
      bullets([
        ['Made by', `midtrain ${input.version}, command mix, configuration ${record.fingerprint}`],
        ['Status', record.status === 'done' ? undefined : `${record.status}: this run did not end`],
        ['Tokens', `${whole(facts.totalTokens)} in ${whole(facts.sequences)} sequences of ${whole(window)}`],
        [
          'Packing',
          typeof packing === 'string'
            ? `${packing}${typeof padding === 'number' && padding > 0 ? `, ${whole(padding)} tokens of padding, masked` : ''}`
            : undefined,
        ],
        [
          'Tokenizer',
          input.tokenizer &&
            `${input.tokenizer.name}, ${whole(input.tokenizer.vocabSize)} tokens, sha256 ${input.tokenizer.fingerprint}`,
        ],
        ['Seed', facts.seed === undefined ? undefined : String(facts.seed)],
        ['QA share', facts.qaShare === undefined ? undefined : percent(facts.qaShare)],
      ]),
      '## Sources',
      markdownTable(
        [
          'source',
          'role',
          'template',
          'share asked',
          'share achieved',
          'tokens',
          'repeats',
          'how well known',
        ],
        facts.sources.map((s) => [
          s.name,
          s.role,
          s.template ?? '',
          percent(s.requestedShare ?? s.weight ?? undefined, 2),
          percent(s.achievedShare, 2),
          whole(s.achievedTokens),
          decimal(s.repeats ?? undefined),
          s.evidence ?? '',
        ]),
        [1, 2, 7],
      ),
      'Shares are of all tokens without padding. "How well known" is of the share asked for: confirmed, from a summary, recalled, unknown, or own.',
      facts.warnings.length === 0
        ? undefined
        : facts.warnings.map((warning) => `> ${escapeMarkdown(warning)}`).join('\n>\n'),
      '## Files',
      input.layout === undefined ? undefined : escapeMarkdown(input.layout),
      shards.length === 0
        ? undefined
        : markdownTable(
            ['shard', 'tokens', 'bytes', 'sha256'],
            shards
              .slice(0, 20)
              .map(({ path, tokens, bytes, sha256 }) => [
                path,
                whole(tokens),
                whole(bytes),
                sha256.slice(0, 16),
              ]),
            [3],
          ),
      shards.length > 20
        ? `and ${shards.length - 20} more; manifest.json lists every file with its checksum.`
        : undefined,
      '## Reading it',
      'With datatrove (the windows are its own, in training order):',
      codeBlock(
        `from datatrove.utils.dataset import DatatroveFolderDataset\n\ndataset = DatatroveFolderDataset("shards", seq_len=${facts.sequenceLength ?? 0}, token_size=${tokenBytes ?? 4}, shuffle=False)\ndataset[0]["input_ids"]  # ${window ?? 0} tokens`,
        'python',
      ),
      'With Nanotron (one folder, weight 1, because the shards are already mixed):',
      codeBlock(
        `data:\n  dataset:\n    dataset_folder: [shards]\n    dataset_weights: [1.0]\n    vocab_size: ${input.tokenizer?.vocabSize ?? 0}\n    token_size_in_bytes: ${tokenBytes ?? 4}\ntokens:\n  sequence_length: ${facts.sequenceLength ?? 0}`,
        'yaml',
      ),
      licenceSection(input.licence, input.sources, input.warnings),
    ]),
  };
}
