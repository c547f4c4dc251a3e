/**
 * Labelled documents: rows with a score of 0 to 5 or a label, or whole inputs that are positive or negative.
 *
 * A row with a score (a number, also as text) is positive from `positiveMin` on; without one its label decides. What has neither (a judge that
 * failed) is counted as unlabelled. With `cut: paragraph` each paragraph (a line with more than white space) is a document of its own, labelled as its document.
 */
import { InputError, UserError } from '../core/errors.ts';
import { count } from '../core/ledger.ts';
import type { ReadPlan } from '../io/read-plan.ts';
import { splitLines } from '../text/lines.ts';
import {
  type ClassifyInput,
  type DocumentTally,
  type OpenDocument,
  planDocuments,
  readDocuments,
} from './classify-documents.ts';
import { SeenLabels } from './classify-label-advice.ts';
import { siteOf } from './classify-stratum.ts';

export interface LabelledRequest {
  /** Rows that carry a score or a label. */
  labels: readonly ClassifyInput[];
  positive: readonly ClassifyInput[];
  negative: readonly ClassifyInput[];
  /** Scores of at least this are positive. */
  positiveMin: number;
  /** The label that is positive; any other is negative. */
  positiveLabel: string;
  cut: 'document' | 'paragraph';
  /** Shorter texts are left out. */
  minCharacters: number;
  /** What a source is: the column source, the site of the address, or the column group. */
  sourceBy: 'source' | 'site' | 'group';
}

export interface LabelledDocument {
  id: string;
  text: string;
  url: string | null;
  /** By `sourceBy`. */
  source: string;
  group: string | null;
  positive: boolean;
  /** As annotated; null where there is only a label. */
  score: number | null;
  read: OpenDocument['read'];
}

export interface LabelledPlan {
  request: LabelledRequest;
  parts: { plan: ReadPlan; positive: boolean | null }[];
  /** Files with their content fingerprints. */
  files: ReadPlan['inputs'];
  bytes: number;
  /** What the scores and labels are, as far as they have been read. */
  seen: SeenLabels;
}

/** Plans the reading of all inputs. Throws `UserError` when there is none or nothing can be read. */
export async function planLabelled(
  request: LabelledRequest,
  options: Parameters<typeof planDocuments>[1] = {},
): Promise<LabelledPlan> {
  const given = [
    { inputs: request.labels, positive: null },
    { inputs: request.positive, positive: true },
    { inputs: request.negative, positive: false },
  ].filter(({ inputs }) => inputs.length > 0);
  if (given.length === 0) {
    throw new UserError('there are no labelled documents', {
      hint: 'give --labels <file>, or --positive <path> and --negative <path>',
    });
  }
  const parts: LabelledPlan['parts'] = [];
  for (const { inputs, positive } of given)
    parts.push({ plan: await planDocuments(inputs, options), positive });
  return {
    request,
    parts,
    files: parts.flatMap(({ plan }) => plan.inputs),
    seen: new SeenLabels(),
    bytes: parts.reduce((sum, { plan }) => sum + plan.units.reduce((n, unit) => n + unit.bytes, 0), 0),
  };
}

/**
 * All labelled documents in order. `tally.ledger` counts records of the inputs: the fate of each but `kept`, which is counted here for
 * a record that gives at least one document.
 */
export async function* readLabelled(
  { request, parts, seen }: LabelledPlan,
  tally: DocumentTally,
  options: { signal?: AbortSignal | undefined; progress?: (bytes: number) => void } = {},
): AsyncGenerator<LabelledDocument> {
  let before = 0;
  for (const { plan, positive } of parts) {
    tally.ledger.in += plan.failures.length;
    if (plan.failures.length > 0) count(tally.ledger.failed, 'unreadable', plan.failures.length);
    tally.failures.push(...plan.failures);
    const progress = (bytes: number): void => options.progress?.(before + bytes);
    for await (const document of readDocuments(plan.units, tally, { signal: options.signal, progress })) {
      const made = labelled(document, positive, request, tally, seen);
      if (made !== undefined) yield* made;
    }
    before += plan.units.reduce((sum, unit) => sum + unit.bytes, 0);
  }
}

function labelled(
  document: OpenDocument,
  given: boolean | null,
  request: LabelledRequest,
  { ledger }: DocumentTally,
  seen: SeenLabels,
): LabelledDocument[] | undefined {
  const label = given === null ? labelOf(document, request, seen) : { positive: given, score: null };
  if (label === undefined) {
    count(ledger.dropped, 'unlabelled');
    return undefined;
  }
  let text: string;
  try {
    text = document.text();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    count(ledger.failed, 'extraction_failed');
    return undefined;
  }
  const texts =
    request.cut === 'document'
      ? [text]
      : splitLines(text)
          .map((line) => line.trim())
          .filter((line) => line !== '');
  const group = cellText(document.read('group'));
  const made = texts
    .map((part, i) => ({ part, i }))
    .filter(({ part }) => part.trim() !== '' && part.length >= request.minCharacters)
    .map(({ part, i }) => ({
      id: request.cut === 'document' ? document.id : `${document.id}#p${i}`,
      text: part,
      url: document.url,
      source: sourceOf(document, group, request.sourceBy),
      group,
      ...label,
      read: document.read,
    }));
  if (made.length === 0) {
    count(ledger.dropped, 'too_short');
    return undefined;
  }
  ledger.kept++;
  return made;
}

function sourceOf(
  { source, url }: OpenDocument,
  group: string | null,
  by: LabelledRequest['sourceBy'],
): string {
  if (by === 'source') return source;
  return (by === 'site' ? siteOf(url) : group) ?? source;
}

function labelOf(
  document: OpenDocument,
  { positiveMin, positiveLabel }: LabelledRequest,
  seen: SeenLabels,
): { positive: boolean; score: number | null } | undefined {
  const value = scoreOf(document.read('score'));
  if (value !== undefined) {
    seen.score(value);
    return { positive: value >= positiveMin, score: value };
  }
  const label = document.read('label');
  if (typeof label === 'number' || typeof label === 'bigint') {
    if (Number(label) === 0 || Number(label) === 1) return { positive: Number(label) === 1, score: null };
  }
  const word = cellText(label);
  if (word !== null) seen.label(word);
  return word === null
    ? undefined
    : { positive: word.replace(/^__label__/, '') === positiveLabel.replace(/^__label__/, ''), score: null };
}

/** A finite number, also one that is written as text; undefined for what is none. */
function scoreOf(cell: unknown): number | undefined {
  const written = typeof cell === 'string' && /^\s*[-+]?\d+(\.\d+)?\s*$/.test(cell);
  if (!written && typeof cell !== 'number' && typeof cell !== 'bigint') return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

function cellText(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : null;
}
