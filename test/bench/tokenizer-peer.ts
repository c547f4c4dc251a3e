/** A Python process with Hugging Face's `tokenizers` that encodes on request, in one thread (test/oracles/tokenizers-bench.py). */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/io/package-root.ts';

const script = join(packageRoot(), 'test', 'oracles', 'tokenizers-bench.py');

/** CPU seconds, tokens, and the sha256 of all ids as 32-bit little-endian numbers. */
export interface PeerAnswer {
  seconds: number;
  tokens: number;
  sha256: string;
}

/** The Python (see peer.ts) and the version of its `tokenizers`, or why there is none. */
export function findTokenizers(): { python: string; name: string } | string {
  const named = process.env.MIDTRAIN_PEER_PYTHON;
  const python = named ?? join(homedir(), '.cache', 'midtrain', 'peers', 'bin', 'python');
  if (named === undefined && !existsSync(python)) return `no ${python}`;
  const code = "import tokenizers, importlib.metadata as m; print(m.version('tokenizers'))";
  const asked = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  if (asked.status !== 0) return `${python} cannot import tokenizers`;
  return { python, name: `tokenizers ${asked.stdout.trim()}` };
}

export class TokenizerPeer {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor(python: string, scratch: string) {
    const env = {
      ...process.env,
      TOKENIZERS_PARALLELISM: 'false',
      RAYON_NUM_THREADS: '1',
      OMP_NUM_THREADS: '1',
    };
    this.child = spawn(python, [script, scratch], { stdio: ['pipe', 'pipe', 'ignore'], env });
    this.answers = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** A string says why it could not run. */
  async run(request: Record<string, string>): Promise<PeerAnswer | string> {
    this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    const answer = await this.answers.next();
    if (answer.done) return 'the peer process ended';
    const result = JSON.parse(answer.value) as PeerAnswer & { error?: string };
    return result.error ?? result;
  }

  close(): void {
    this.child.stdin!.end();
  }
}
