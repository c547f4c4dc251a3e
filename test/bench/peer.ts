/**
 * A Python process with datatrove that runs one row at a time on request and answers the CPU seconds it took
 * (test/oracles/datatrove-bench.py).
 *
 * It is the Python of MIDTRAIN_PEER_PYTHON, or ~/.cache/midtrain/peers/bin/python, if that can import datatrove:
 *   python3 -m venv ~/.cache/midtrain/peers
 *   ~/.cache/midtrain/peers/bin/pip install datatrove spacy pyarrow tokenizers 'xxhash<4' fasttext-numpy2-wheel trafilatura lxml_html_clean
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/io/package-root.ts';

const script = join(packageRoot(), 'test', 'oracles', 'datatrove-bench.py');

export interface PeerPython {
  readonly python: string;
  /** `datatrove 0.10.1`. */
  readonly name: string;
}

/** The Python that has datatrove, or why there is none. */
export function findPeer(): PeerPython | string {
  const named = process.env.MIDTRAIN_PEER_PYTHON;
  const python = named ?? join(homedir(), '.cache', 'midtrain', 'peers', 'bin', 'python');
  if (named === undefined && !existsSync(python)) return `no ${python}`;
  const code = "import datatrove, importlib.metadata as m; print(m.version('datatrove'))";
  const asked = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  if (asked.status !== 0) return `${python} cannot import datatrove`;
  return { python, name: `datatrove ${asked.stdout.trim()}` };
}

export class Peer {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  /** `args`: the folder that holds the documents, and the language model. */
  constructor(python: string, args: readonly string[]) {
    // One thread, as ours: pyarrow would else read columns side by side.
    const env = { ...process.env, OMP_NUM_THREADS: '1', TOKENIZERS_PARALLELISM: 'false' };
    this.child = spawn(python, [script, ...args], { stdio: ['pipe', 'pipe', 'ignore'], env });
    this.answers = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** CPU seconds of one run of `row` over `slice` of the documents; a string says why it could not run. */
  async run(row: string, slice: number): Promise<number | string> {
    this.child.stdin!.write(`${JSON.stringify({ row, slice })}\n`);
    const answer = await this.answers.next();
    if (answer.done) return 'the peer process ended';
    const { seconds, error } = JSON.parse(answer.value) as { seconds?: number; error?: string };
    return seconds ?? error ?? 'no answer';
  }

  close(): void {
    this.child.stdin!.end();
  }
}
