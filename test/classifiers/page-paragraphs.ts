/**
 * Paragraphs of real pages for training and testing a classifier of mathematics, split by the site they come from: documentation and
 * encyclopedias of mathematics (html-math) against C4 (by web site) and other documentation (html-other). Prepared as MegaMath prepares.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareText } from '../../classifiers/prepare-text.ts';
import { hash32 } from '../../src/core/random.ts';
import { htmlToText } from '../../src/extract/html-to-text.ts';

export interface Paragraph {
  text: string;
  label: 'MATH' | 'OTHER';
  source: string;
}

const heldOutSites = ['planetmath-11', 'gap-doc', 'mathematics-in-lean', 'git-doc', 'postgresql-doc-15'];
/** Shorter ones are headings and list items. */
const shortest = 40;

/** Undefined where the data is not there. */
export function pageParagraphs(sharedData: string): { train: Paragraph[]; heldOut: Paragraph[] } | undefined {
  if (!existsSync(join(sharedData, 'html-math')) || !existsSync(join(sharedData, 'web-text')))
    return undefined;
  const train: Paragraph[] = [];
  const heldOut: Paragraph[] = [];
  const seen = new Set<string>();
  const add = (text: string, label: Paragraph['label'], source: string, held: boolean): void => {
    for (const line of text.split('\n')) {
      const prepared = prepareText(line, 'megamath');
      if (line.trim().length < shortest || prepared === '' || seen.has(prepared)) continue;
      seen.add(prepared);
      (held ? heldOut : train).push({ text: prepared, label, source });
    }
  };
  for (const [folder, label] of [['html-math', 'MATH'] as const, ['html-other', 'OTHER'] as const]) {
    for (const site of readdirSync(join(sharedData, folder)).sort()) {
      for (const file of readdirSync(join(sharedData, folder, site), { recursive: true })
        .map(String)
        .sort()) {
        if (!/\.html?$/.test(file)) continue;
        const page = readFileSync(join(sharedData, folder, site, file), 'utf8');
        add(htmlToText(page).text, label, site, heldOutSites.includes(site));
      }
    }
  }
  const c4 = readFileSync(join(sharedData, 'web-text', 'c4-demo-300.jsonl'), 'utf8');
  for (const line of c4.trim().split('\n')) {
    const { text, url } = JSON.parse(line) as { text: string; url?: string };
    const site = url === undefined ? text : new URL(url).hostname;
    add(text, 'OTHER', 'c4', hash32(site) % 2 === 0);
  }
  return { train: inOrder(train), heldOut };
}

/** Mixed, and the same each time. */
function inOrder(paragraphs: readonly Paragraph[]): Paragraph[] {
  const keyed = paragraphs.map((paragraph) => ({ paragraph, key: hash32(`order ${paragraph.text}`) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ paragraph }) => paragraph);
}

/** F1 of MATH in percent: over all paragraphs, and for each source against all paragraphs of the other class. */
export function f1Scores(
  paragraphs: readonly Paragraph[],
  predicted: readonly string[],
): { all: number; bySource: Record<string, number> } {
  const sources = [...new Set(paragraphs.map(({ source }) => source))].sort();
  const bySource = sources.map((source): [string, number] => {
    const { label } = paragraphs.find((paragraph) => paragraph.source === source)!;
    return [source, f1((paragraph) => paragraph.source === source || paragraph.label !== label)];
  });
  return { all: f1(() => true), bySource: Object.fromEntries(bySource) };

  function f1(counts: (paragraph: Paragraph) => boolean): number {
    let [right, wrong, missed] = [0, 0, 0];
    paragraphs.forEach((paragraph, index) => {
      if (!counts(paragraph)) return;
      const math = predicted[index] === 'MATH';
      if (math && paragraph.label === 'MATH') right++;
      else if (math) wrong++;
      else if (paragraph.label === 'MATH') missed++;
    });
    return Math.round((20_000 * right) / (2 * right + wrong + missed)) / 100;
  }
}

/** MegaMath's settings but for the size, and settings that suit this little data. */
export const paragraphSettings = {
  megamath: { dim: 256, lr: 0.1, wordNgrams: 3, minCount: 3, epoch: 3, bucket: 100_000 },
  small: { dim: 32, lr: 0.5, wordNgrams: 2, minCount: 2, epoch: 8, bucket: 100_000 },
} as const;
