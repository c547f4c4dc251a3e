/**
 * What the bundled math-text classifier is trained on: pieces of the permissive sources, made pages and texts of our own, so many of each,
 * in an order drawn from the seed. Long documents are cut into pieces of 40 to 300 words, since a page may be short; each source has a
 * most, so that no source is the classifier. Prose of many kinds is scarce among the sources and is cut several times, each time in other
 * places: without it the classifier learns that "she", "two", "if" and "each" are mathematics, for they are common in word problems.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrainingExample } from '../../../classifiers/fasttext/training-lines.ts';
import { prepareText } from '../../../classifiers/prepare-text.ts';
import { Random } from '../../../src/core/random.ts';
import { aboutMathematics } from './about-mathematics.ts';
import { plainMathematics } from './plain-mathematics.ts';
import { type DocumentSource, readSource, type SourceDocument, sources } from './sources.ts';

export interface NamedDocuments extends Pick<DocumentSource, 'name' | 'label' | 'licence'> {
  documents: SourceDocument[];
}

/** Most pieces of a source. */
const most: Readonly<Record<string, number>> = {
  'gsm8k-train': 300,
  'flan-aqua': 400,
  'own: about mathematics': 2400,
  'c4-even': 2000,
  'own: plain mathematics': 600,
  [ownTexts('other')]: 2000,
};
const mostOfOthers = 700;
/** How often a source is cut, in other places each time; once where nothing is said. */
const times: Readonly<Record<string, number>> = {
  'c4-even': 3,
  [ownTexts('math')]: 10,
  [ownTexts('other')]: 10,
};
const pieceWords = [40, 80, 120, 200, 300] as const;
const shortestPiece = 15;

function ownTexts(label: 'math' | 'other'): string {
  return `own: ${label === 'math' ? 'mathematics' : 'other things'} in texts of many kinds`;
}

/** Sources of one use, read; those of training with our own pages. `data`: ../shared/data. */
export function documentsFor(use: DocumentSource['use'], data: string): NamedDocuments[] {
  const real = sources
    .filter((source) => source.use === use)
    .map(({ name, label, licence, ...rest }) => ({
      name,
      label,
      licence,
      documents: withoutTestProblems(readSource(data, { name, label, licence, ...rest }), name, data),
    }));
  if (use === 'held out') return real;
  const own = 'own words, Apache-2.0 like the project';
  const texts = readHardCases(fileURLToPath(new URL('./own-texts.txt', import.meta.url)));
  return [
    ...real,
    { name: 'own: about mathematics', label: 'other', licence: own, documents: aboutMathematics(3800, 1) },
    { name: 'own: plain mathematics', label: 'math', licence: own, documents: plainMathematics(1500, 2) },
    ...(['math', 'other'] as const).map((label) => ({
      name: ownTexts(label),
      label,
      licence: own,
      documents: texts
        .filter((one) => one.label === label)
        .map(({ kind, text }, i) => ({ id: `${kind}-${i}`, text })),
    })),
  ];
}

/** Two problems of the MATH training file are in its test set as well (MANIFEST.md). */
function withoutTestProblems(documents: SourceDocument[], name: string, data: string): SourceDocument[] {
  if (name !== 'math-train') return documents;
  const test = readFileSync(join(data, 'math-qa', 'math-test-without-500.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => plain((JSON.parse(line) as { problem?: string }).problem ?? ''));
  const known = new Set(test);
  return documents.filter(({ text }) => !known.has(plain(text.slice(0, text.lastIndexOf('\n')))));
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

export interface PieceCount {
  name: string;
  label: string;
  licence: string;
  documents: number;
  pieces: number;
}

/** Training examples, prepared, and how many came of each source. */
export function trainingExamples(
  read: readonly NamedDocuments[],
  seed: number,
): { examples: TrainingExample[]; counts: PieceCount[] } {
  const random = new Random(seed);
  const examples: TrainingExample[] = [];
  const counts: PieceCount[] = [];
  for (const { name, label, licence, documents } of read) {
    const prepared = documents.map(({ text }) => prepareText(text, 'megamath'));
    const pieces = Array.from({ length: times[name] ?? 1 }, () =>
      prepared.flatMap((text) => cut(text, random)),
    ).flat();
    shuffle(pieces, random);
    const taken = pieces.slice(0, most[name] ?? mostOfOthers);
    for (const text of taken) examples.push({ text, label });
    counts.push({ name, label, licence, documents: documents.length, pieces: taken.length });
  }
  shuffle(examples, random);
  return { examples, counts };
}

function cut(text: string, random: Random): string[] {
  const words = text.split(' ').filter((word) => word !== '');
  const pieces: string[] = [];
  for (let at = 0; at < words.length; ) {
    const piece = words.slice(at, at + random.pick(pieceWords));
    if (at === 0 || piece.length >= shortestPiece) pieces.push(piece.join(' '));
    at += piece.length;
  }
  return pieces;
}

function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}

/** A text of a file of our own. */
export interface OwnText {
  kind: string;
  label: 'math' | 'other';
  /** Of texts that were split into halves: whether their errors were looked at (`development`) or not (`final`). */
  half?: string;
  text: string;
}

/** The texts of a file of our own (`## kind label`, for some a half, then the text). */
export function readHardCases(file: string): OwnText[] {
  return readFileSync(file, 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const [head = '', ...lines] = part.split('\n');
      const [kind = '', label = '', half] = head.split(' ');
      const text = lines.join('\n').trim();
      return {
        kind,
        label: label === 'math' ? 'math' : 'other',
        ...(half === undefined ? {} : { half }),
        text,
      };
    });
}
