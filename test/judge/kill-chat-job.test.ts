/**
 * Jobs killed (SIGKILL) after numbers of requests drawn at random: they end with the same bytes as a job that nobody killed, and the server
 * answered nothing twice but what was under way at a kill, which the journal says.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { scratchFolder } from '../io/scratch.ts';
import { type Behaviour, chatServer, documentIn, type Seen } from './chat-server.ts';
import { type ChatJobProcess, runChatJob } from './run-chat-job.ts';

const folder = scratchFolder();
const script = fileURLToPath(new URL('./run-chat-job.ts', import.meta.url));
const input = join(folder, 'documents.jsonl');
const documents = 60;
const lines = Array.from({ length: documents }, (_, i) =>
  JSON.stringify({ id: `${i}`, text: `Text ${i}. ${`It says ${i * i} and more. `.repeat(1 + (i % 40))}` }),
);
writeFileSync(input, lines.join('\n'));

function behave({ body, last }: Seen): Behaviour {
  const document = documentIn(body.messages[0]!.content);
  if (body.messages[0]!.content.includes('refined version'))
    return { say: `Refined. ${document.replace('more', 'less')}` };
  const n = Number(/\d+/.exec(document)![0]);
  return n % 10 === 3 && body.messages.length < 3
    ? { say: `hm ${last.length}` }
    : { say: `Final score: ${n % 6}` };
}

/** Every file that a job leaves for others, by name. */
function results(out: string): Record<string, Buffer> {
  const names = (readdirSync(out, { recursive: true }) as string[]).filter((name) =>
    name.endsWith('.parquet'),
  );
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(out, name))]));
}

/** Runs the job in a process of its own; kills it once the server has seen `requests` more, or lets it end. */
function runAndKill(
  job: ChatJobProcess,
  seen: readonly unknown[],
  requests: number,
): Promise<'killed' | number> {
  return new Promise((resolve, reject) => {
    const until = seen.length + requests;
    const child = spawn(process.execPath, [script, JSON.stringify(job)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    const watch = setInterval(() => seen.length >= until && child.kill('SIGKILL'), 1);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      if (signal === 'SIGKILL') resolve('killed');
      else if (code === 0) resolve(0);
      else reject(new Error(`exit code ${code}: ${errors}`));
    });
  });
}

describe('a killed job', () => {
  test.each(['label', 'refine'] as const)(
    '%s goes on, and pays for nothing twice but what was under way',
    async (task) => {
      const random = new Random(`kill ${task}`);
      const concurrency = 6;
      // A little of each answer's time is spent on the way, so that kills find requests in every state.
      const server = await chatServer(async (seen) => {
        await new Promise((resolve) => setTimeout(resolve, random.int(8)));
        return behave(seen);
      });
      const whole = await chatServer(behave);
      const reference = { task, url: whole.url, input, out: join(folder, `${task}-whole`), concurrency: 1 };
      await runChatJob(reference);
      const needed = whole.seen.length;

      const job = { ...reference, url: server.url, out: join(folder, `${task}-killed`), concurrency };
      let kills = 0;
      while (kills < 4 && (await runAndKill(job, server.seen, 1 + random.int(needed >> 2))) === 'killed')
        kills++;
      expect(kills).toBeGreaterThan(1);
      const reported = await runChatJob(job);
      expect(results(job.out)).toEqual(results(reference.out));

      const counts = [...server.answered.values()];
      const twice = counts.reduce((sum, n) => sum + n - 1, 0);
      // What one kill finds under way: at most `concurrency` requests, all of them told.
      expect(reported).toBeLessThanOrEqual(kills * concurrency);
      expect(twice).toBeLessThanOrEqual(reported);
      expect(new Set(server.answered.keys())).toEqual(new Set(whole.answered.keys()));
      // A further run asks for nothing at all.
      const before = server.seen.length;
      await runChatJob(job);
      expect(server.seen.length).toBe(before);
    },
  );
});
