/**
 * The stratum of a document: its year, crawl, source, site, or the value of a column.
 *
 * The year is read from the column `year`, else a date (`date`, as WARC files give it, `warc_date`, `timestamp`), else the crawl, whose name
 * begins with it (`CC-MAIN-2019-35`), be it in a column, in a metadata record or in the path of the file. What has none of these is in the
 * stratum `unknown`.
 */
import { registeredDomain } from '../filters/registered-domain.ts';
import type { OpenDocument } from './classify-documents.ts';

export const unknownStratum = 'unknown';

const yearColumns = ['year', 'metadata.year'];
const dateColumns = [
  'date',
  'warc_date',
  'WARC-Date',
  'timestamp',
  'fetch_time',
  'metadata.date',
  'metadata.warc_date',
];
const dumpColumns = ['dump', 'crawl', 'snapshot', 'cc_dump', 'metadata.dump', 'metadata.crawl'];
const pathColumns = [
  'file_path',
  'warc_path',
  'warc_filename',
  'filename',
  'metadata.file_path',
  'metadata.warc_path',
];

type Located = Pick<OpenDocument, 'read' | 'url' | 'source' | 'file'>;

/** A function from a document to its stratum. `by`: year, dump, source, site, none, or a column. */
export function stratumBy(by: string): (document: Located) => string {
  switch (by) {
    case 'none':
      return () => 'all';
    case 'year':
      return yearOf;
    case 'dump':
      return (document) => dumpOf(document) ?? unknownStratum;
    case 'source':
      return ({ source }) => source;
    case 'site':
      return ({ url, source }) => siteOf(url) ?? source;
    default:
      return (document) => textOf(document.read(by)) ?? unknownStratum;
  }
}

/** The input columns that `stratumBy` looks at, beside those of every document; of a record's field also the record. */
export function stratumColumns(by: string): string[] {
  const named = {
    none: [],
    source: [],
    site: [],
    year: [...yearColumns, ...dateColumns, ...dumpColumns, ...pathColumns],
    dump: [...dumpColumns, ...pathColumns],
  }[by] ?? [by];
  return [...new Set(named.flatMap((name) => [name, name.split('.')[0]!]))];
}

/** The registered domain of an address; undefined for what is none. */
export function siteOf(url: string | null): string | undefined {
  const host = url === null ? undefined : /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]+)/i.exec(url)?.[1];
  return host === undefined ? undefined : registeredDomain(host.toLowerCase());
}

function yearOf(document: Located): string {
  for (const column of [...yearColumns, ...dateColumns]) {
    const year = /^\s*((?:19|20)\d\d)(?!\d)/.exec(textOf(document.read(column)) ?? '')?.[1];
    if (year !== undefined) return year;
  }
  return /^CC-(?:MAIN|NEWS)-((?:19|20)\d\d)/.exec(dumpOf(document) ?? '')?.[1] ?? unknownStratum;
}

/** `CC-MAIN-2019-35`, or what a crawl column holds. */
function dumpOf(document: Located): string | undefined {
  for (const column of dumpColumns) {
    const dump = textOf(document.read(column));
    if (dump !== undefined) return dump;
  }
  for (const path of [...pathColumns.map((column) => textOf(document.read(column))), document.file]) {
    const dump = /CC-(?:MAIN|NEWS)-(?:19|20)\d\d-\d\d/.exec(path ?? '')?.[0];
    if (dump !== undefined) return dump;
  }
  return undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}
