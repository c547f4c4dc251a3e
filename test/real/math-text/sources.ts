/**
 * The real documents that the bundled math-text classifier learns from and is measured on, with the licence of each (../shared/data/MANIFEST.md).
 *
 * `train`: permissive licences only (MIT, BSD, Apache, PostgreSQL, public domain, ODC-BY). `held out`: never trained on; some of these
 * carry licences that do not allow it. Pages go through the project's own extraction, as they do in `filter`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { htmlToText } from '../../../src/extract/html-to-text.ts';

export interface SourceDocument {
  id: string;
  text: string;
}

export interface DocumentSource {
  name: string;
  label: 'math' | 'other';
  licence: string;
  use: 'train' | 'held out';
  /** Below ../shared/data. */
  path: string;
  read(path: string): SourceDocument[];
}

const source = (
  name: string,
  label: DocumentSource['label'],
  use: DocumentSource['use'],
  licence: string,
  path: string,
  read: DocumentSource['read'] = readPages,
): DocumentSource => ({ name, label, licence, use, path, read });

export const sources: readonly DocumentSource[] = [
  source('sympy-doc', 'math', 'train', 'BSD-3-Clause', 'html-math/python-sympy-doc'),
  source('mathematics-in-lean', 'math', 'train', 'Apache-2.0', 'html-math/mathematics-in-lean'),
  source('mathjax-demos', 'math', 'train', 'Apache-2.0', 'html-math/mathjax-demos'),
  source('latexml', 'math', 'train', 'public domain', 'html-math/latexml-pairs', readTex),
  source('gsm8k-train', 'math', 'train', 'MIT', 'math-qa/gsm8k-train.jsonl', lines('question', 'answer')),
  source(
    'math-train',
    'math',
    'train',
    'MIT',
    'math-qa/math-train-answers.jsonl',
    lines('problem', 'answer'),
  ),
  source('flan-aqua', 'math', 'train', 'Apache-2.0', 'long-cot/flan-cot-aqua.tsv', readTsv),
  source('apache2-doc', 'other', 'train', 'Apache-2.0', 'html-other/apache2-doc'),
  source('postgresql-doc', 'other', 'train', 'PostgreSQL', 'html-other/postgresql-doc-15'),
  source('flan-strategyqa', 'other', 'train', 'Apache-2.0', 'long-cot/flan-cot-strategyqa.tsv', readTsv),
  source('flan-qasc', 'other', 'train', 'Apache-2.0', 'long-cot/flan-cot-qasc.tsv', readTsv),
  source('c4-even', 'other', 'train', 'ODC-BY-1.0', 'web-text/c4-demo-300.jsonl', half(0)),
  source('c4-odd', 'other', 'held out', 'ODC-BY-1.0', 'web-text/c4-demo-300.jsonl', half(1)),
  source('planetmath', 'math', 'held out', 'CC BY-SA 3.0', 'html-math/planetmath-11'),
  source('flint-doc', 'math', 'held out', 'LGPL-2.1+', 'html-math/libflint-doc'),
  source('gap-doc', 'math', 'held out', 'GPL-2+', 'html-math/gap-doc'),
  source('giac-doc', 'math', 'held out', 'GPL-3+', 'html-math-plain/giac-doc'),
  source('maxima-doc', 'math', 'held out', 'GPL-2+', 'html-math-plain/maxima-doc'),
  source('developers-reference', 'other', 'held out', 'GPL-2+', 'html-other/developers-reference'),
  source('git-doc', 'other', 'held out', 'GPL-2', 'html-other/git-doc'),
  source('debian-faq', 'other', 'held out', 'GPL-2+', 'html-other/debian-faq'),
];

/** The documents of a source, in order of their names; pages without text are left out. */
export function readSource(root: string, { path, read }: DocumentSource): SourceDocument[] {
  const full = join(root, path);
  if (!existsSync(full)) throw new Error(`${full} is not there`);
  return read(full).filter(({ text }) => text.trim() !== '');
}

function readPages(folder: string): SourceDocument[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.html'))
    .sort()
    .map((name) => ({ id: name, text: htmlToText(readFileSync(join(folder, name), 'utf8')).text }));
}

function readTex(folder: string): SourceDocument[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.tex'))
    .sort()
    .map((name) => ({ id: name, text: readFileSync(join(folder, name), 'utf8') }));
}

function lines(...fields: string[]): DocumentSource['read'] {
  return (path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line, i) => {
        const row = JSON.parse(line) as Record<string, unknown>;
        return { id: `${i}`, text: fields.map((field) => String(row[field] ?? '')).join('\n') };
      });
}

/** Question, answer, rationale; their line ends are written `\n`. */
function readTsv(path: string): SourceDocument[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, i) => {
      const [question = '', answer = '', rationale = ''] = line.split('\t');
      return { id: `${i}`, text: [question, rationale, answer].join('\n').replaceAll('\\n', '\n') };
    });
}

function half(remainder: 0 | 1): DocumentSource['read'] {
  return (path) => lines('text')(path).filter((_, i) => i % 2 === remainder);
}
