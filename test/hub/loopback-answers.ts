/** What the Hub on loopback answers with: JSON, refusals with the Hub's codes, byte ranges; and the bodies it is asked with. */
import { createHash } from 'node:crypto';

/** What the server is about to send. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export interface Entry {
  oid: string;
  size: number;
  large: boolean;
}

export const sha1 = (data: string | Buffer): string => createHash('sha1').update(data).digest('hex');
export const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
export const gitBlob = (data: Buffer): string =>
  sha1(Buffer.concat([Buffer.from(`blob ${data.length}\0`), data]));

export interface CreateBody {
  name: string;
  organization?: string;
  type?: 'dataset' | 'model';
  visibility?: string;
}
export interface PreuploadBody {
  files: { path: string; size: number; sample: string }[];
}
export interface LfsObject {
  oid: string;
  size: number;
}
export interface CommitLine {
  key: string;
  value: { parentCommit?: string; path?: string; content?: string; oid?: string; size?: number };
}

export class Refusal extends Error {
  readonly answer: Answer;
  constructor(status: number, message: string, code?: string, headers: Record<string, string> = {}) {
    super(message);
    const said = code === undefined ? {} : { 'x-error-code': code, 'x-error-message': message };
    this.answer = json(status, { error: message }, { ...headers, ...said });
  }
}

export function entryOf([path, { oid, size, large }]: [string, Entry]): object {
  const lfs = large ? { lfs: { oid, size, pointerSize: 134 } } : {};
  return { type: 'file', path, size, oid: large ? sha1(oid) : oid, ...lfs };
}

export function refuse(status: number, message: string): never {
  throw new Refusal(status, message);
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

export function ranged(content: Buffer, range: string | undefined, headers: Record<string, string>): Answer {
  const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
  if (asked === null)
    return { status: 200, headers: { ...headers, 'accept-ranges': 'bytes' }, body: content };
  const start = Number(asked[1]);
  const end = Math.min(content.length, asked[2] === '' ? content.length : Number(asked[2]) + 1);
  if (start >= content.length)
    return {
      status: 416,
      headers: { ...headers, 'content-range': `bytes */${content.length}` },
      body: Buffer.alloc(0),
    };
  const span = { 'content-range': `bytes ${start}-${end - 1}/${content.length}` };
  return { status: 206, headers: { ...headers, ...span }, body: content.subarray(start, end) };
}
