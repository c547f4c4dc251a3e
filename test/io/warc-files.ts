/**
 * WARC files made for tests, record by record.
 */
import { gzipSync } from 'node:zlib';

export interface TestRecord {
  type?: string;
  id?: string;
  url?: string;
  /** Of the WARC record. */
  contentType?: string;
  /** HTTP head without the empty line; none for blocks that are not HTTP. */
  http?: string;
  body?: string | Uint8Array;
  extra?: string;
  length?: number | string;
}

/** One record with its two line breaks at the end. */
export function warcRecord(record: TestRecord): Buffer {
  const { type = 'response', id = 'urn:uuid:0', url, http, body = '', extra = '' } = record;
  const contentType =
    record.contentType ?? (http === undefined ? 'text/plain' : 'application/http; msgtype=response');
  const block = Buffer.concat([
    Buffer.from(http === undefined ? '' : `${http.trim().split('\n').join('\r\n')}\r\n\r\n`),
    Buffer.from(body as Uint8Array),
  ]);
  const fields = [
    'WARC/1.0',
    `WARC-Type: ${type}`,
    `WARC-Record-ID: <${id}>`,
    'WARC-Date: 2024-05-18T01:58:10Z',
    ...(url === undefined ? [] : [`WARC-Target-URI: ${url}`]),
    `Content-Type: ${contentType}`,
    ...(extra === '' ? [] : [extra]),
    `Content-Length: ${record.length ?? block.length}`,
  ];
  return Buffer.concat([Buffer.from(`${fields.join('\r\n')}\r\n\r\n`), block, Buffer.from('\r\n\r\n')]);
}

/** A response with a page. */
export function pageRecord(
  i: number | string,
  body: string | Uint8Array,
  head = 'Content-Type: text/html',
): Buffer {
  return warcRecord({
    id: `urn:uuid:${i}`,
    url: `http://example.com/${i}`,
    http: `HTTP/1.1 200 OK\n${head}`,
    body,
  });
}

/** One gzip member for each record, as crawlers write them. `level` 0 stores, so that what is in a record stands in the file as it is. */
export function gzipEach(records: readonly Uint8Array[], level = 6): Buffer {
  return Buffer.concat(records.map((record) => gzipSync(record, { level })));
}
