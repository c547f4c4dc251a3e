/**
 * A card for the Hugging Face Hub: YAML front matter, Markdown, and a last line with a checksum of the rest, by which a later run sees
 * whether a person has changed the file. Pure; cards of the several products are made in filter-card.ts, mix-card.ts and model-card.ts.
 *
 * Front matter keys as the Hub checks them: https://huggingface.co/docs/hub/datasets-cards and model-cards (license from its list, or `other`
 * with license_name; size_categories from its list; configs with data_files).
 */
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import type { JoinedLicence } from '../core/licences.ts';
import { escapeMarkdown } from './markdown.ts';

export interface HubCard {
  /** Keys of the front matter, in order; undefined ones are left out. */
  front: Record<string, unknown>;
  /** Markdown, without the front matter. */
  body: string;
}

/** What the licence section and the front matter need of one source. */
export interface CardLicence {
  name: string;
  license: string;
  licenseName?: string | undefined;
  /** Where it is from, such as a Hub repository. */
  from?: string | undefined;
  generatedBy?: readonly { model: string; license: string }[] | undefined;
}

const marker = /\n<!-- midtrain card ([0-9a-f]{16}) -->\n?$/;

/** The file: front matter, body, and the marker. */
export function cardText({ front, body }: HubCard): string {
  const keys = Object.fromEntries(Object.entries(front).filter(([, value]) => value !== undefined));
  const text = `---\n${stringify(keys, { lineWidth: 0 })}---\n\n${body.trim()}\n`;
  return `${text}\n<!-- midtrain card ${hashOf(text)} -->\n`;
}

/** Who wrote a card that is there: this program (`ours`), or anybody else, also by changing one of ours (`edited`). */
export function authorOf(text: string): 'ours' | 'edited' {
  const found = marker.exec(text);
  return found !== null && hashOf(text.slice(0, found.index)) === found[1] ? 'ours' : 'edited';
}

function hashOf(text: string): string {
  return createHash('sha256').update(text.trimEnd()).digest('hex').slice(0, 16);
}

/** The Hub's size category of so many documents. */
export function sizeCategory(documents: number): string {
  const steps: [number, string][] = [
    [1e3, 'n<1K'],
    [1e4, '1K<n<10K'],
    [1e5, '10K<n<100K'],
    [1e6, '100K<n<1M'],
    [1e7, '1M<n<10M'],
    [1e8, '10M<n<100M'],
    [1e9, '100M<n<1B'],
    [1e10, '1B<n<10B'],
    [1e11, '10B<n<100B'],
    [1e12, '100B<n<1T'],
  ];
  return steps.find(([below]) => documents < below)?.[1] ?? 'n>1T';
}

/** `license`, and for `other` the name and link that the Hub asks for. */
export function licenceFront(joined: JoinedLicence): Record<string, unknown> {
  return joined.license === 'other'
    ? { license: 'other', license_name: slug(joined.name ?? 'several'), license_link: '#licence' }
    : { license: joined.license };
}

/** The Hub wants a licence's name in lower case with dashes. */
function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** The section that names each source's licence, and what is warned about. */
export function licenceSection(
  joined: JoinedLicence,
  sources: readonly CardLicence[],
  warnings: readonly string[],
): string {
  const lines = [
    `## Licence`,
    '',
    `${escapeMarkdown(joined.license)}${joined.name === undefined ? '' : ` (${escapeMarkdown(joined.name)})`}: ${escapeMarkdown(joined.why)}.`,
  ];
  if (sources.length > 0) lines.push('');
  for (const { name, license, licenseName, from, generatedBy = [] } of sources) {
    const written = generatedBy.map(({ model, license: terms }) => `${model} (${terms})`).join(', ');
    lines.push(
      `- ${escapeMarkdown(name)}: ${escapeMarkdown(licenseName ?? license)}${from === undefined ? '' : `, from ${escapeMarkdown(from)}`}${written === '' ? '' : `; text written by ${escapeMarkdown(written)}`}`,
    );
  }
  if (warnings.length > 0) lines.push('', ...warnings.map((warning) => `> ${escapeMarkdown(warning)}`));
  return lines.join('\n');
}

/** Bullet points of what is known: `- **name**: value`; undefined values are left out. */
export function bullets(facts: readonly (readonly [string, string | undefined])[]): string {
  return facts
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `- **${name}**: ${escapeMarkdown(value!)}`)
    .join('\n');
}

/** Parts of a body with a blank line between; empty ones are left out. */
export function sections(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('\n\n');
}

/** A configuration for a card: of absolute paths, which say nothing to a stranger and something about the machine, the last part stays. */
export function withoutPaths(value: unknown): unknown {
  if (typeof value === 'string') return /^([\\/]|[A-Za-z]:[\\/])/.test(value) ? lastPart(value) : value;
  if (Array.isArray(value)) return value.map(withoutPaths);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutPaths(part)]));
}

/** The name of a file or folder. */
export function lastPart(path: string): string {
  return path.replace(/[\\/]+$/, '').replace(/^.*[\\/]/, '');
}
