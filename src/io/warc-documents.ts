/**
 * Which records of a WARC file are documents, and their text: pages of responses and resources (`warc`), texts of conversion records (`wet`).
 *
 * The choice looks only at the header of a record and the first bytes of its block, so that the planning pass numbers documents as
 * reading does. Not documents: other record types, media types other than HTML, and responses whose status is not 2xx (datatrove keeps
 * the pages of error responses; Common Crawl stores those apart). They are tallied, not failed.
 */
import { isUtf8 } from 'node:buffer';
import { toUtf8 } from './charset.ts';
import { type HttpHead, httpBody, httpHead, mediaType } from './http-response.ts';
import type { WarcHeader } from './warc-records.ts';

export type WarcContent = 'warc' | 'wet';

/** What a document needs of its block at most, besides the page. */
export const warcHeadBytes = 64 * 1024;
const pageTypes = new Set(['text/html', 'application/xhtml+xml', 'application/vnd.wap.xhtml+xml']);

/** Whether records of this type can be documents. */
export function mayBeDocument({ type }: WarcHeader, content: WarcContent): boolean {
  return content === 'wet' ? type === 'conversion' : type === 'response' || type === 'resource';
}

/** A document, or what the record is instead. */
export type WarcChoice = { http: HttpHead; charset: string | undefined } | { skipped: string };

/** `block`: at least its first 64 KiB; more is not looked at. */
export function chooseRecord(header: WarcHeader, block: Buffer, content: WarcContent): WarcChoice {
  const head = block.subarray(0, warcHeadBytes);
  const { type, fields } = header;
  if (!mayBeDocument(header, content)) return { skipped: kindOf(type) };
  const own = mediaType(fields.get('content-type'));
  const isHttp = own.type === 'application/http' || own.type === '';
  const http =
    isHttp && type === 'response'
      ? httpHead(head)
      : { status: undefined, fields: new Map<string, string>(), body: 0 };
  if (content === 'wet') {
    const readable = own.type === 'text/plain' || own.type === '';
    return readable ? { http, charset: 'utf-8' } : { skipped: `conversion ${kindOf(own.type)}` };
  }
  if (http.status !== undefined && (http.status < 200 || http.status > 299))
    return { skipped: `response status ${http.status}` };
  const declared = isHttp ? mediaType(http.fields.get('content-type')) : own;
  const identified = mediaType(fields.get('warc-identified-payload-type')).type;
  const media = identified === '' ? declared.type : identified;
  if (pageTypes.has(media) || (media === '' && looksLikePage(head.subarray(http.body))))
    return { http, charset: declared.charset };
  return { skipped: `${type} ${media === '' ? 'of no media type' : kindOf(media)}` };
}

/** A name for the tally: foreign, so bounded and plain. */
function kindOf(name: string): string {
  return /^[\w.+/-]{1,60}$/.test(name) ? name : 'of another kind';
}

function looksLikePage(body: Buffer): boolean {
  return /<!doctype html|<html[\s>]/i.test(body.toString('latin1', 0, 1024));
}

/** The document as UTF-8; `repaired`: some bytes were not valid and became U+FFFD. Throws an error that says what is wrong with it. */
export function documentText(
  block: Buffer,
  { http, charset }: Extract<WarcChoice, { http: HttpHead }>,
  content: WarcContent,
  limit: number,
): { utf8: Uint8Array; repaired: boolean } {
  const body = httpBody(block, http, limit);
  if (content === 'wet') {
    if (isUtf8(body)) return { utf8: body, repaired: false };
    return { utf8: Buffer.from(new TextDecoder().decode(body)), repaired: true };
  }
  const decoded = toUtf8(body, charset);
  return { utf8: decoded.utf8, repaired: decoded.charset === 'utf-8' && !isUtf8(body) };
}

/** The address of a record; some tools write it in angle brackets. */
export function targetOf({ fields }: WarcHeader): string | null {
  const uri = fields.get('warc-target-uri');
  return uri === undefined || uri === '' ? null : (/^<(.*)>$/.exec(uri)?.[1] ?? uri);
}
