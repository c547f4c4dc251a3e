/**
 * A Hub on 127.0.0.1: repositories with branches and commits, lists of files in pages, downloads through a redirect to a storage of its own
 * host, uploads by preupload, LFS batch (in parts), verify and NDJSON commit. Answers carry the headers that clients look at.
 *
 * Each fault is injected once (or so often as it says), at the first requests it matches. What the storage gets is hashed: parts that do not add up to their sha256 are refused.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Answer,
  type CommitLine,
  type CreateBody,
  type Entry,
  entryOf,
  gitBlob,
  json,
  type LfsObject,
  type PreuploadBody,
  Refusal,
  ranged,
  refuse,
  sha1,
  sha256,
} from './loopback-answers.ts';

export type { Answer } from './loopback-answers.ts';

export interface LoggedRequest {
  host: 'hub' | 'storage';
  method: string;
  path: string;
  range: string | undefined;
  token: boolean;
  bytes: number;
  /** Bytes of the answer, where no fault took its place. */
  sent: number;
}

export interface Fault {
  name: string;
  /** Which request it hits. */
  on: (request: LoggedRequest) => boolean;
  /** The request is not carried out; else it is, and its answer is lost or changed. */
  before?: boolean;
  /** How often it is injected; once by default. */
  times?: number;
  /** Answers instead of the server, or changes `answer` and returns false. */
  act: (response: ServerResponse, answer: Answer) => boolean;
}

interface Repository {
  type: 'dataset' | 'model';
  name: string;
  private: boolean;
  gated: boolean;
  branches: Map<string, string>;
}

export class LoopbackHub {
  readonly log: LoggedRequest[] = [];
  readonly faults: Fault[] = [];
  /** Names of the faults that hit. */
  readonly injected: string[] = [];
  readonly repositories = new Map<string, Repository>();
  /** Files of a commit by path. */
  readonly commits = new Map<string, Map<string, Entry>>();
  /** Contents by hash, and large objects in the storage. */
  readonly contents = new Map<string, Buffer>();
  readonly objects = new Map<string, Buffer>();
  readonly verified = new Set<string>();
  /** Sizes of parts, and of files from which on uploads go to the storage. */
  partBytes = 64 * 1024;
  largeBytes = 16 * 1024;
  pageEntries = 3;
  private readonly token: string;
  private readonly parts = new Map<string, Map<number, Buffer>>();
  private readonly servers: Server[] = [];
  endpoint = '';
  storage = '';

  constructor(token = 'hf_loopback') {
    this.token = token;
  }

  async start(): Promise<this> {
    const listen = async (host: 'hub' | 'storage'): Promise<string> => {
      const server = createServer((request, response) => {
        void this.serve(host, request, response);
      });
      this.servers.push(server);
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    this.storage = await listen('storage');
    this.endpoint = await listen('hub');
    return this;
  }

  async stop(): Promise<void> {
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  repository(type: 'dataset' | 'model', name: string): Repository {
    const made: Repository = { type, name, private: false, gated: false, branches: new Map() };
    this.repositories.set(`${type}s/${name}`, made);
    this.commit(made, 'main', new Map([['.gitattributes', Buffer.from('* text=auto\n')]]));
    return made;
  }

  /** Adds files to a branch; larger ones go to the storage. */
  commit(repository: Repository, branch: string, files: ReadonlyMap<string, Buffer>): string {
    const entries = new Map<string, Entry>();
    for (const [path, content] of files) {
      const large = content.length >= this.largeBytes;
      const oid = large ? sha256(content) : gitBlob(content);
      (large ? this.objects : this.contents).set(oid, content);
      entries.set(path, { oid, size: content.length, large });
    }
    return this.advance(repository, branch, entries);
  }

  private advance(repository: Repository, branch: string, entries: Map<string, Entry>): string {
    const parent = repository.branches.get(branch);
    const all = new Map([...(this.commits.get(parent ?? '') ?? []), ...entries]);
    const commit = sha1(JSON.stringify([repository.name, parent, [...all]]));
    this.commits.set(commit, all);
    repository.branches.set(branch, commit);
    return commit;
  }

  private async serve(
    host: 'hub' | 'storage',
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { authorization, range } = request.headers;
    const logged: LoggedRequest = {
      host,
      method: request.method!,
      path: request.url!,
      range,
      token: authorization !== undefined,
      bytes: body.length,
      sent: 0,
    };
    this.log.push(logged);
    const hit = this.faults.findIndex(({ on }) => on(logged));
    const fault = this.faults[hit];
    if (fault !== undefined) {
      this.injected.push(fault.name);
      fault.times = (fault.times ?? 1) - 1;
      if (fault.times === 0) this.faults.splice(hit, 1);
    }
    if (fault?.before === true) {
      fault.act(response, json(500, {}));
      return;
    }
    let answer: Answer;
    try {
      const url = new URL(request.url!, 'http://x');
      answer =
        host === 'storage'
          ? this.stored(url, logged, body)
          : this.answered(url, logged, body, authorization === `Bearer ${this.token}`);
    } catch (error) {
      answer = error instanceof Refusal ? error.answer : json(500, { error: String(error) });
    }
    if (fault?.act(response, answer) === true) return;
    logged.sent = answer.body.length;
    response.writeHead(answer.status, { 'content-length': String(answer.body.length), ...answer.headers });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  private answered(url: URL, { method, range }: LoggedRequest, body: Buffer, known: boolean): Answer {
    const path = url.pathname;
    const writes = method !== 'GET' && method !== 'HEAD' && !path.includes('/paths-info/');
    if (writes && !known) throw new Refusal(401, 'Invalid username or password.');
    if (path === '/api/whoami-v2')
      return known ? json(200, { name: 'owner', type: 'user', orgs: [] }) : refuse(401, 'Invalid token');
    if (path === '/api/validate-yaml') return json(200, { errors: [], warnings: [] });
    if (path === '/api/repos/create') return this.create(JSON.parse(body.toString()) as CreateBody);
    const lfs = /^\/(datasets\/)?([\w.-]+\/[\w.-]+)\.git\/info\/lfs\/(objects\/batch|verify)$/.exec(path);
    if (lfs !== null) {
      const asked = JSON.parse(body.toString()) as { oid: string; size: number; objects: LfsObject[] };
      if (lfs[3] !== 'verify') return this.batch(asked.objects, `${path.replace('objects/batch', 'verify')}`);
      if (this.objects.get(asked.oid)?.length !== asked.size) throw new Refusal(404, 'object not found');
      this.verified.add(asked.oid);
      return json(200, {});
    }
    const api =
      /^\/api\/(dataset|model)s\/([\w.-]+\/[\w.-]+?)(?:\/(revision|tree|preupload|commit|branch|paths-info)\/([^/]+)(?:\/(.+))?)?$/.exec(
        path,
      );
    if (api !== null) {
      const repository = this.allowed(api[1]!, api[2]!, known);
      const revision = api[4] === undefined ? 'main' : decodeURIComponent(api[4]);
      if (api[3] === 'preupload') return this.preupload(JSON.parse(body.toString()) as PreuploadBody);
      if (api[3] === 'commit') return this.committed(repository, revision, body.toString());
      if (api[3] === 'branch') {
        if (repository.branches.has(revision)) throw new Refusal(409, 'branch exists');
        repository.branches.set(revision, repository.branches.get('main')!);
        return json(200, {});
      }
      const sha = this.resolved(repository, revision);
      if (api[3] === 'tree') return this.tree(url, sha, decodeURIComponent(api[5] ?? ''));
      if (api[3] === 'paths-info') return this.pathsInfo(sha, body.toString());
      return this.info(repository, sha);
    }
    const file = /^\/(datasets\/)?([\w.-]+\/[\w.-]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    if (file === null) throw new Refusal(404, `no such page: ${path}`);
    const repository = this.allowed(file[1] === undefined ? 'model' : 'dataset', file[2]!, known);
    if (repository.gated && !known)
      throw new Refusal(403, 'Access to this repository is restricted.', 'GatedRepo');
    return this.file(
      this.resolved(repository, decodeURIComponent(file[3]!)),
      decodeURIComponent(file[4]!),
      range,
    );
  }

  private allowed(type: string, name: string, known: boolean): Repository {
    const repository = this.repositories.get(`${type}s/${name}`);
    if (repository === undefined || (repository.private && !known))
      throw new Refusal(known ? 404 : 401, 'Repository Not Found', 'RepoNotFound');
    return repository;
  }

  private resolved(repository: Repository, revision: string): string {
    const sha = repository.branches.get(revision) ?? (this.commits.has(revision) ? revision : undefined);
    if (sha === undefined) throw new Refusal(404, `Invalid rev id: ${revision}`, 'RevisionNotFound');
    return sha;
  }

  private info({ name, private: closed, gated }: Repository, sha: string): Answer {
    const siblings = [...this.commits.get(sha)!.keys()].map((rfilename) => ({ rfilename }));
    return json(200, {
      _id: 'x',
      id: name,
      modelId: name,
      sha,
      private: closed,
      gated,
      tags: [],
      downloads: 0,
      likes: 0,
      siblings,
    });
  }

  /** The files below a folder in pages, or of one level with its folders. */
  private tree(url: URL, sha: string, folder: string): Answer {
    const inside = folder === '' ? '' : `${folder}/`;
    const below = [...this.commits.get(sha)!].filter(([path]) => path.startsWith(inside));
    const nested = below.filter(([path]) => path.slice(inside.length).includes('/'));
    const folders = [...new Set(nested.map(([path]) => inside + path.slice(inside.length).split('/')[0]!))];
    const isRecursive = url.searchParams.get('recursive')?.toLowerCase() === 'true';
    const entries = [
      ...folders.map((path) => ({ type: 'directory', path, oid: sha1(path), size: 0 })),
      ...(isRecursive ? below : below.filter((entry) => !nested.includes(entry))).map(entryOf),
    ];
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const page = new URLSearchParams(url.searchParams);
    page.set('cursor', String(from + this.pageEntries));
    const link = `<${this.endpoint}${url.pathname}?${page.toString()}>; rel="next"`;
    return json(
      200,
      entries.slice(from, from + this.pageEntries),
      from + this.pageEntries < entries.length ? { link } : {},
    );
  }

  private pathsInfo(sha: string, body: string): Answer {
    const paths = body.startsWith('{')
      ? (JSON.parse(body) as { paths: string[] }).paths
      : new URLSearchParams(body).getAll('paths');
    const all = [...this.commits.get(sha)!];
    return json(
      200,
      paths.flatMap((path) => {
        const found = all.find(([name]) => name === path);
        if (found !== undefined) return [entryOf(found)];
        return all.some(([name]) => name.startsWith(`${path}/`))
          ? [{ type: 'directory', path, oid: sha1(path), size: 0 }]
          : [];
      }),
    );
  }

  private file(sha: string, path: string, range: string | undefined): Answer {
    const entry = this.commits.get(sha)!.get(path);
    const commit = { 'x-repo-commit': sha };
    if (entry === undefined) throw new Refusal(404, 'Entry not found', 'EntryNotFound', commit);
    if (!entry.large)
      return ranged(this.contents.get(entry.oid)!, range, { ...commit, etag: `"${entry.oid}"` });
    const headers = {
      ...commit,
      location: `${this.storage}/objects/${entry.oid}`,
      'x-linked-etag': `"${entry.oid}"`,
      'x-linked-size': String(entry.size),
    };
    return { status: 302, headers, body: Buffer.alloc(0) };
  }

  private stored(url: URL, { method, range }: LoggedRequest, body: Buffer): Answer {
    const [, kind, oid = '', part = ''] = url.pathname.split('/');
    const object = this.objects.get(oid);
    if (kind === 'objects' && method !== 'PUT') {
      if (object === undefined) throw new Refusal(404, 'NoSuchKey');
      return ranged(object, range, { etag: `"${oid}"` });
    }
    if (kind === 'objects') {
      if (sha256(body) !== oid) throw new Refusal(400, 'BadDigest');
      this.objects.set(oid, body);
    } else if (kind === 'parts' && method === 'PUT') {
      const parts = this.parts.get(oid) ?? new Map<number, Buffer>();
      this.parts.set(oid, parts.set(Number(part), body));
      return {
        status: 200,
        headers: { etag: `"${createHash('md5').update(body).digest('hex')}"` },
        body: Buffer.alloc(0),
      };
    } else if (kind === 'complete') {
      const { parts } = JSON.parse(body.toString()) as { parts: { partNumber: number; etag: string }[] };
      const held = this.parts.get(oid);
      const whole = Buffer.concat(parts.map(({ partNumber }) => held?.get(partNumber) ?? Buffer.alloc(0)));
      if (sha256(whole) !== oid || parts.some(({ etag }) => etag === ''))
        throw new Refusal(400, 'the parts are not the object');
      this.objects.set(oid, whole);
    } else throw new Refusal(404, 'NoSuchKey');
    return json(200, {});
  }

  private create({ name, organization, type = 'model', visibility }: CreateBody): Answer {
    const id = `${organization ?? 'owner'}/${name}`;
    if (this.repositories.has(`${type}s/${id}`))
      throw new Refusal(409, 'You already created this repository');
    this.repository(type, id).private = visibility === 'private';
    return json(200, { url: `${this.endpoint}/${type === 'model' ? '' : 'datasets/'}${id}`, id, name: id });
  }

  private preupload({ files }: PreuploadBody): Answer {
    return json(200, {
      files: files.map(({ path, size }) => ({
        path,
        uploadMode: size >= this.largeBytes ? 'lfs' : 'regular',
        shouldIgnore: false,
      })),
    });
  }

  /** Objects of more than one part go up in parts, as on the Hub: their addresses stand in the header. */
  private batch(objects: LfsObject[], verifyPath: string): Answer {
    const verify = { href: `${this.endpoint}${verifyPath}` };
    return json(200, {
      transfer: 'multipart',
      objects: objects.map(({ oid, size }) => {
        if (this.objects.has(oid)) return { oid, size };
        if (size <= this.partBytes)
          return { oid, size, actions: { upload: { href: `${this.storage}/objects/${oid}` }, verify } };
        const count = Math.ceil(size / this.partBytes);
        const parts = Array.from({ length: count }, (_, i) => [
          String(i + 1).padStart(5, '0'),
          `${this.storage}/parts/${oid}/${i + 1}`,
        ]);
        const header = { chunk_size: String(this.partBytes), ...Object.fromEntries(parts) } as Record<
          string,
          string
        >;
        return {
          oid,
          size,
          actions: { upload: { href: `${this.storage}/complete/${oid}`, header }, verify },
        };
      }),
    });
  }

  private committed(repository: Repository, branch: string, text: string): Answer {
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as CommitLine);
    const head = repository.branches.get(branch);
    if (head === undefined) throw new Refusal(404, `Invalid rev id: ${branch}`, 'RevisionNotFound');
    const entries = new Map<string, Entry>();
    for (const { key, value } of lines) {
      if (key === 'header' && value.parentCommit !== undefined && value.parentCommit !== head)
        throw new Refusal(412, 'A commit has happened since. Please refresh and try again.');
      if (key === 'file') {
        const content = Buffer.from(value.content!, 'base64');
        this.contents.set(gitBlob(content), content);
        entries.set(value.path!, { oid: gitBlob(content), size: content.length, large: false });
      } else if (key === 'lfsFile') {
        if (this.objects.get(value.oid!)?.length !== value.size)
          throw new Refusal(400, `LFS pointer pointed to a file that does not exist: ${value.path}`);
        entries.set(value.path!, { oid: value.oid!, size: value.size!, large: true });
      }
    }
    const commitOid = this.advance(repository, branch, entries);
    return json(200, {
      success: true,
      commitOid,
      commitUrl: `${this.endpoint}/${repository.name}/commit/${commitOid}`,
      hookOutput: '',
    });
  }
}
