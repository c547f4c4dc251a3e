/** The rubric of a judge and the prompt of a refiner by what a user writes: a built-in name, else a Markdown file. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { parse } from 'yaml';
import {
  builtInRefinePrompt,
  type RefinePrompt,
  refinePromptNames,
} from '../../classifiers/judge/refine-prompt.ts';
import { builtInRubric, parseRubric, type Rubric, rubricNames } from '../../classifiers/judge/rubric.ts';
import { nearest } from '../core/config.ts';
import { InputError, messageOf, UserError } from '../core/errors.ts';

/** Throws a `UserError` that says what a rubric may be. Front matter and placeholder of a file: classifiers/judge/rubric.ts. */
export function loadRubric(nameOrFile: string, cwd: string): Rubric {
  const known = builtInRubric(nameOrFile);
  if (known !== undefined) return known;
  return parseRubric(readPrompt(nameOrFile, cwd, rubricNames, 'rubric'), nameOrFile, (text) => {
    try {
      return parse(text) as unknown;
    } catch (error) {
      throw new InputError(nameOrFile, `the front matter is not YAML: ${messageOf(error).split('\n')[0]}`, {
        cause: error,
      });
    }
  });
}

/** A file is the prompt as it is, with `{text}` where the document goes; front matter is for rubrics and is left out. */
export function loadRefinePrompt(nameOrFile: string, cwd: string): RefinePrompt {
  const known = builtInRefinePrompt(nameOrFile);
  if (known !== undefined) return known;
  const source = readPrompt(nameOrFile, cwd, refinePromptNames, 'prompt');
  const prompt = source.replace(/^\uFEFF?---\r?\n[\s\S]*?\r?\n---[ \t]*\r?\n/, '').trim();
  if (prompt === '') throw new InputError(nameOrFile, 'the prompt is empty');
  return { name: basename(nameOrFile).replace(/\.[a-z]+$/i, ''), prompt };
}

function readPrompt(given: string, cwd: string, names: readonly string[], what: string): string {
  try {
    return readFileSync(resolve(cwd, given), 'utf8');
  } catch (error) {
    const near = nearest(given, names);
    throw new UserError(`there is no ${what} and no file "${given}": ${messageOf(error)}`, {
      hint: `${near === undefined ? '' : `did you mean ${near}? `}built in: ${names.join(', ')}; or a Markdown file of your own`,
      cause: error,
    });
  }
}
