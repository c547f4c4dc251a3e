/**
 * A Hub on 127.0.0.1 for tests: revisions, paged file lists, ranges, large files behind a redirect to another host, and faults on order.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeHub {
  endpoint: string;
  /** Requests so far: method-less path, range, whether a token came, and which of the two hosts was asked. */
  log: { host: 'hub' | 'storage'; path: string; range: string | undefined; token: boolean }[];
  /** Off: answers every request with the whole file. */
  ranges: boolean;
  /** Called before each answer; true means that it has answered. */
  fault: (request: IncomingMessage, response: ServerResponse, body: Buffer | undefined) => boolean;
  close(): Promise<void>;
}

export const commit = 'c0ffee'.repeat(7).slice(0, 40);

/** Files in `large` are kept in the storage and known by their sha256, the others by their git hash. */
export async function fakeHub(
  files: Record<string, string | Uint8Array>,
  large: readonly string[],
  token?: string,
  repository: 'dataset' | 'model' = 'dataset',
): Promise<FakeHub> {
  const contents = new Map(
    Object.entries(files).map(([path, content]) => [path, Buffer.from(content as Uint8Array)]),
  );
  const hub: FakeHub = { endpoint: '', log: [], ranges: true, fault: () => false, close: async () => {} };
  const paths = [...contents.keys()];
  const entry = (path: string): object => {
    const content = contents.get(path)!;
    const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
    const sha256 = createHash('sha256').update(content).digest('hex');
    const base = { type: 'file', path, size: content.length, oid };
    return large.includes(path)
      ? { ...base, oid: '0'.repeat(40), lfs: { oid: sha256, size: content.length, pointerSize: 130 } }
      : base;
  };
  const send = (request: IncomingMessage, response: ServerResponse, content: Buffer): void => {
    const asked = hub.ranges ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] : undefined;
    const start = Number(asked ?? 0);
    const body = content.subarray(start);
    if (hub.fault(request, response, body)) return;
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': body.length });
    response.end(body);
  };
  const serve = (
    host: 'hub' | 'storage',
    answer: (url: URL, request: IncomingMessage, response: ServerResponse) => void,
  ): Server =>
    createServer((request, response) => {
      const url = new URL(request.url!, 'http://x');
      const { authorization, range } = request.headers;
      hub.log.push({ host, path: url.pathname + url.search, range, token: authorization !== undefined });
      if (host === 'hub' && token !== undefined && authorization !== `Bearer ${token}`) {
        response.writeHead(401).end('{"error":"Invalid credentials"}');
        return;
      }
      answer(url, request, response);
    });
  const storage = serve('storage', (url, request, response) => {
    send(request, response, contents.get(decodeURIComponent(url.pathname.slice(1)))!);
  });
  const main = serve('hub', (url, request, response) => {
    const api = `/api/${repository}s/owner/name`;
    const resolve = `${repository === 'model' ? '' : '/datasets'}/owner/name/resolve/${commit}/`;
    if (url.pathname.startsWith(resolve)) {
      const path = decodeURIComponent(url.pathname.slice(resolve.length));
      const content = contents.get(path);
      if (content === undefined) response.writeHead(404).end();
      else if (large.includes(path)) {
        if (hub.fault(request, response, undefined)) return;
        response
          .writeHead(302, {
            location: `http://127.0.0.1:${(storage.address() as AddressInfo).port}/${encodeURIComponent(path)}`,
          })
          .end();
      } else send(request, response, content);
      return;
    }
    if (hub.fault(request, response, undefined)) return;
    if (url.pathname === `${api}/revision/main` || url.pathname === `${api}/revision/v1.0`)
      response.end(JSON.stringify({ sha: commit }));
    else if (url.pathname === `${api}/tree/${commit}`) {
      // Two entries a page.
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const next =
        from + 2 < paths.length
          ? { link: `<${hub.endpoint}${url.pathname}?recursive=true&cursor=${from + 2}>; rel="next"` }
          : {};
      response.writeHead(200, next);
      response.end(
        JSON.stringify([
          { type: 'directory', path: 'data', oid: '' },
          ...paths.slice(from, from + 2).map(entry),
        ]),
      );
    } else response.writeHead(404).end('{"error":"Repository not found"}');
  });
  for (const server of [storage, main])
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  hub.endpoint = `http://127.0.0.1:${(main.address() as AddressInfo).port}`;
  hub.close = async () => {
    for (const server of [storage, main]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  };
  return hub;
}
