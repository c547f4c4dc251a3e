/**
 * One commit of files through `@huggingface/hub`, which knows the protocol (preupload, LFS batch, parts, commit), over requests of our own,
 * which know how to wait, to try again and to explain. Before the commit every object sent is verified where the storage asks for it, as
 * Python's client does and the package does not.
 *
 * Gives up: large files are read twice, since the package hashes them again. Large files go through LFS, not Xet, which nothing here could test.
 * Source: @huggingface/hub 2.17.5 `commit.ts`; huggingface_hub `lfs.py` (verify).
 */
import { openAsBlob } from 'node:fs';
import type { CommitOutput, CommitProgressEvent } from '@huggingface/hub';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { type HubRequest, hubFetch } from './hub-fetch.ts';
import { type HubRepository, hubName } from './hub-file.ts';
import type { PushFile } from './hub-push-plan.ts';

export interface CommitRequest {
  repository: HubRepository;
  branch: string;
  parent: string | undefined;
  files: readonly (PushFile & { bytes: number })[];
  message: string;
}

/** `stored`: large files that the storage had already. */
export interface SentCommit {
  files: number;
  bytes: number;
  stored: number;
}

export async function sendCommit(
  commit: CommitRequest,
  request: HubRequest,
  emit: Emit,
): Promise<SentCommit> {
  const { commitIter } = await import('@huggingface/hub');
  const { repository, branch, parent, files } = commit;
  const name = `${hubName(repository)}@${branch}`;
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const began = performance.now();
  const lfs = new LfsTraffic(request, name, (done) => {
    emit({ kind: 'progress', task: 'upload', done, total, unit: 'bytes' });
  });
  const content = ({ from }: PushFile): Promise<Blob> =>
    typeof from === 'string' ? openAsBlob(from) : Promise.resolve(new Blob([from.text]));
  const steps: AsyncGenerator<CommitProgressEvent, CommitOutput | undefined> = commitIter({
    repo: { type: repository.repository ?? 'dataset', name: repository.dataset },
    branch,
    title: commit.message,
    operations: await Promise.all(
      files.map(async (file) => ({
        operation: 'addOrUpdate' as const,
        path: file.path,
        content: await content(file),
      })),
    ),
    hubUrl: request.endpoint,
    useXet: false,
    fetch: lfs.fetch,
    ...(parent === undefined ? {} : { parentCommit: parent }),
    ...(request.signal === undefined ? {} : { abortSignal: request.signal }),
  });
  try {
    for (;;) {
      const step = await steps.next();
      if (step.done === true) break;
      // The package waits here until it is asked for more.
      if (step.value.event === 'phase' && step.value.phase === 'committing') await lfs.verify();
    }
  } catch (error) {
    request.signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    if (error instanceof Error && error.name === 'NotReadableError')
      throw new InputError(name, 'a file changed while it was pushed', {
        hint: 'run again when nothing writes to it',
        cause: error,
      });
    throw new InputError(name, `the push failed: ${messageOf(error)}`, { hint: 'run again', cause: error });
  }
  emit({
    kind: 'end',
    task: 'upload',
    done: total,
    unit: 'bytes',
    seconds: (performance.now() - began) / 1000,
  });
  const stored = lfs.stored.size;
  return { files: files.length - stored, bytes: total - lfs.storedBytes, stored };
}

interface LfsObject {
  oid: string;
  size: number;
  actions?: { upload?: unknown; verify?: { href: string; header?: Record<string, string> } };
}

/** The package's requests, sent by `hubFetch`; remembers what the storage wants verified and what it has. */
class LfsTraffic {
  readonly stored = new Set<string>();
  storedBytes = 0;
  private readonly request: HubRequest;
  private readonly name: string;
  private readonly progress: (done: number) => void;
  private readonly toVerify = new Map<
    string,
    { size: number; href: string; header: Record<string, string> }
  >();
  private done = 0;

  constructor(request: HubRequest, name: string, progress: (done: number) => void) {
    this.request = request;
    this.name = name;
    this.progress = progress;
  }

  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    const { body } = init;
    const headers: Record<string, string> = {};
    new Headers(init.headers).forEach((value, key) => {
      headers[key] = value;
    });
    const method = init.method as 'GET' | 'POST' | 'PUT' | undefined;
    const response = await hubFetch(this.request, url, {
      name: this.name,
      headers,
      ...(method === undefined ? {} : { method }),
      ...(typeof body === 'string' || body instanceof Blob ? { body } : {}),
    });
    if (method === 'PUT' && body instanceof Blob) this.progress((this.done += body.size));
    if (!new URL(url).pathname.endsWith('/info/lfs/objects/batch')) return response;
    const text = await response.text();
    const { objects = [] } = JSON.parse(text) as { objects?: LfsObject[] };
    for (const { oid, size, actions } of objects) {
      if (actions?.upload === undefined && !this.stored.has(oid)) {
        this.stored.add(oid);
        this.storedBytes += size;
        this.progress((this.done += size));
      }
      const verify = actions?.verify;
      if (verify !== undefined)
        this.toVerify.set(oid, { size, href: verify.href, header: verify.header ?? {} });
    }
    return new Response(text, { status: response.status, headers: response.headers });
  };

  /** Asks the storage whether it has what was sent to it. */
  async verify(): Promise<void> {
    for (const [oid, { size, href, header }] of this.toVerify) {
      const response = await hubFetch(this.request, href, {
        name: `${this.name}, object ${oid.slice(0, 12)}`,
        method: 'POST',
        headers: { ...header, 'content-type': 'application/vnd.git-lfs+json' },
        body: JSON.stringify({ oid, size }),
      });
      await response.body?.cancel();
    }
    this.toVerify.clear();
  }
}
