/**
 * What of a folder goes to the Hub: of a corpus its Parquet parts, of a mixture shards, manifest and tokenizer, of a checkpoint weights and
 * tokenizer without the optimiser's state, of a classifier weights and measures; of any other folder all files. With it the card.
 *
 * Records of runs stay here unless they are asked for with `include`: they name paths and commands of this machine.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { descriptionFile, modelFiles } from '../../classifiers/model-folder.ts';
import { UserError } from '../core/errors.ts';
import type { PushFile } from '../io/hub-push-plan.ts';
import { patternMatcher } from '../io/path-pattern.ts';
import { walkFolder } from '../io/walk-folder.ts';
import { cardText } from '../report/hub-card.ts';
import { type CardRequest, makeCard } from './make-card.ts';

export type PushKind = 'corpus' | 'mixture' | 'checkpoint' | 'classifier' | 'tokenizer' | 'folder';

export interface PushFiles {
  kind: PushKind;
  type: 'dataset' | 'model';
  files: PushFile[];
  /** `there`: README.md of the folder; `made`: for this push; undefined: none could be made. */
  card: 'there' | 'made' | undefined;
  warnings: string[];
}

export interface PushFilesRequest extends Omit<CardRequest, 'target'> {
  /** Patterns of files to send besides the usual ones, and of files to leave out. */
  include?: readonly string[];
  exclude?: readonly string[];
}

const tokenizerFiles =
  '{tokenizer*,special_tokens_map.json,vocab.json,vocab.txt,merges.txt,added_tokens.json,chat_template.jinja}';

const usual: Readonly<Record<PushKind, readonly string[]>> = {
  corpus: ['kept/*.parquet', 'dropped/*.parquet', 'signals/*.parquet', 'ledger.json'],
  mixture: ['shards/**', 'heldout/**', 'tokenizer/**', 'manifest.json', 'samples.md'],
  checkpoint: [
    'config.json',
    'generation_config.json',
    '*.safetensors',
    '*.safetensors.index.json',
    tokenizerFiles,
  ],
  classifier: [
    descriptionFile,
    modelFiles.fasttext,
    modelFiles.regressor,
    modelFiles.evaluation,
    modelFiles.seen,
  ],
  tokenizer: [tokenizerFiles],
  folder: ['**'],
};

/** Throws a `UserError` for a folder that is none, is empty, or is a run whose checkpoint is meant. */
export async function pushFilesOf(request: PushFilesRequest): Promise<PushFiles> {
  const { folder, include = [], exclude = [] } = request;
  const kind = await kindOf(folder);
  const all = (await walkFolder(folder)).files.map(({ path }) => path);
  const wanted = [...usual[kind], ...include].map(patternMatcher);
  const unwanted = exclude.map(patternMatcher);
  const chosen = all.filter(
    (path) => path !== 'README.md' && wanted.some((is) => is(path)) && !unwanted.some((is) => is(path)),
  );
  if (chosen.length === 0)
    throw new UserError(`${folder} holds no files of a ${kind} to push`, {
      hint:
        all.length === 0
          ? 'the folder is empty'
          : `it holds ${all.slice(0, 3).join(', ')}; name others with --include`,
    });
  const files: PushFile[] = chosen.map((path) => ({ path, from: join(folder, path) }));
  const type = kind === 'corpus' || kind === 'mixture' ? 'dataset' : 'model';
  if (unwanted.some((is) => is('README.md'))) return { kind, type, files, card: undefined, warnings: [] };
  // A bundled classifier calls its card what it is; the Hub shows README.md.
  const written = ['README.md', ...(kind === 'classifier' ? ['card.md'] : [])].find((name) =>
    existsSync(join(folder, name)),
  );
  if (written !== undefined) {
    files.push({ path: 'README.md', from: join(folder, written) });
    return { kind, type, files, card: 'there', warnings: [] };
  }
  const made = await cardOf(request, kind, chosen);
  if ('text' in made) files.push({ path: 'README.md', from: { text: made.text } });
  return { kind, type, files, card: 'text' in made ? 'made' : undefined, warnings: made.warnings };
}

async function cardOf(
  request: PushFilesRequest,
  kind: PushKind,
  chosen: readonly string[],
): Promise<{ text: string; warnings: string[] } | { warnings: string[] }> {
  const without = 'it is pushed without a card; write README.md, or run midtrain card';
  if (kind === 'folder') return { warnings: [`the folder is not one that midtrain wrote: ${without}`] };
  try {
    const { card, warnings } = await makeCard({ ...request, target: join(request.folder, 'README.md') });
    // The card speaks of the parts that are pushed.
    const { configs } = card.front as { configs?: { data_files?: { path?: string }[] }[] };
    if (configs !== undefined)
      card.front.configs = configs.filter(({ data_files: data = [] }) =>
        data.some(({ path }) => path === undefined || chosen.some(patternMatcher(path))),
      );
    return { text: cardText(card), warnings };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { warnings: [`no card could be made (${error.message}): ${without}`] };
  }
}

async function kindOf(folder: string): Promise<PushKind> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    throw new UserError(`${folder}: there is no such folder`, {
      hint: 'give the folder that a midtrain command wrote',
      cause,
    });
  });
  const has = (name: string): boolean => entries.includes(name);
  if (has(descriptionFile)) return 'classifier';
  if (has('manifest.json') && has('shards')) return 'mixture';
  if (has('config.json') && entries.some((name) => name.endsWith('.safetensors'))) return 'checkpoint';
  if (has('run.json')) {
    const command = commandOf(join(folder, 'run.json'));
    if (has('kept')) return 'corpus';
    if (has('checkpoints')) {
      const last = (await readdir(join(folder, 'checkpoints'))).sort().at(-1);
      throw new UserError(
        `${folder} is a run of midtrain ${command}; a checkpoint of it is what can be pushed`,
        {
          hint: `midtrain push ${join(folder, 'checkpoints', last ?? 'step-<n>')} <owner/name>`,
        },
      );
    }
    throw new UserError(`${folder} is a run of midtrain ${command} with nothing to push`, {
      hint: 'corpora, mixtures, checkpoints, classifiers and tokenizers can be pushed; copy other files to a folder of their own',
    });
  }
  if (has('tokenizer.json')) return 'tokenizer';
  return 'folder';
}

function commandOf(path: string): string {
  try {
    return String((JSON.parse(readFileSync(path, 'utf8')) as { command?: unknown }).command);
  } catch {
    return basename(path);
  }
}
