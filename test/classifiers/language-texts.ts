/**
 * Texts to compare language predictions on, in sets: the documents of ../shared/data, and lines in many languages from translations that
 * are installed anyway (zod's error messages, a dependency of this project; GTK's, where Debian has them).
 *
 *     node test/classifiers/language-texts.ts > /tmp/texts.jsonl      # for test/oracles/fasttext_languages.py
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/io/package-root.ts';

/** As in ../io/shared-data.ts, which only runs inside a test. */
const sharedData = join(packageRoot(), '..', 'shared', 'data');

export interface TextSet {
  name: string;
  /** Undefined when it is not there; the message of a skipped test says what is missing. */
  texts: string[] | undefined;
  missing: string;
  /** Its texts are pinned: other texts than the fixture's are a fault, not another version of a package. */
  pinned: boolean;
}

export function languageTextSets(): TextSet[] {
  const shared = (folder: string): TextSet => {
    const path = join(sharedData, folder);
    const texts = existsSync(path) ? documentsOf(path) : undefined;
    return { name: folder, texts, missing: `../shared/data/${folder}`, pinned: true };
  };
  return [
    shared('web-text'),
    shared('math-qa'),
    { name: 'zod', texts: zodLines(), missing: 'node_modules/zod', pinned: true },
    { name: 'gtk', texts: gtkLines('/usr/share/locale'), missing: 'translations of GTK', pinned: false },
  ];
}

export function textsHash(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text}\0`);
  return hash.digest('hex');
}

/** The records of all JSON and JSONL files of a folder, each as its strings one after the other. */
function documentsOf(folder: string): string[] {
  const documents: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const content = readFileSync(join(folder, file), 'utf8');
    for (const record of recordsOf(content)) documents.push(stringsOf(record).join('\n'));
  }
  return documents;
}

function recordsOf(content: string): unknown[] {
  if (content.trimStart().startsWith('[')) return JSON.parse(content) as unknown[];
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => JSON.parse(line) as unknown);
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(stringsOf);
  return [];
}

/** Error messages in some fifty languages, without the places where values go. */
function zodLines(): string[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve('zod/package.json')), 'v4', 'locales');
  const lines = new Set<string>();
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.js') || file === 'index.js') continue;
    const source = readFileSync(join(folder, file), 'utf8');
    for (const [, template, plain] of source.matchAll(/return (?:`([^`]*)`|"([^"]*)")/g)) {
      const line = (template ?? plain)!.replaceAll(/\$\{[^}]*\}/g, '').trim();
      if (line.length >= 8) lines.add(line);
    }
  }
  return [...lines];
}

/** Up to twelve longer messages of every language. */
function gtkLines(locales: string): string[] | undefined {
  if (!existsSync(locales)) return undefined;
  const lines: string[] = [];
  for (const locale of readdirSync(locales).sort()) {
    const path = join(locales, locale, 'LC_MESSAGES', 'gtk30.mo');
    if (!existsSync(path)) continue;
    const long = translations(readFileSync(path)).filter((line) => line.length >= 24);
    const step = Math.max(1, Math.floor(long.length / 12));
    for (let at = 0, taken = 0; at < long.length && taken < 12; at += step, taken++) lines.push(long[at]!);
  }
  return lines.length < 1000 ? undefined : lines;
}

/** The translations of a GNU message catalogue (little-endian), plural forms and the header left out. */
function translations(bytes: Buffer): string[] {
  if (bytes.readUInt32LE(0) !== 0x950412de) return [];
  const count = bytes.readUInt32LE(8);
  const table = bytes.readUInt32LE(16);
  const found: string[] = [];
  for (let i = 1; i < count; i++) {
    const length = bytes.readUInt32LE(table + 8 * i);
    const offset = bytes.readUInt32LE(table + 8 * i + 4);
    found.push(bytes.toString('utf8', offset, offset + length).split('\0')[0]!);
  }
  return found;
}

if (process.argv[1] === import.meta.filename) {
  for (const { name, texts } of languageTextSets()) {
    if (texts !== undefined)
      process.stdout.write(`${JSON.stringify({ name, sha256: textsHash(texts), texts })}\n`);
  }
}
