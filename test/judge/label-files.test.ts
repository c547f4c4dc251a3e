/** Files in, files out: labels and refined documents are the same bytes whatever the concurrency, and however often a run was stopped. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInRefinePrompt } from '../../classifiers/judge/refine-prompt.ts';
import { builtInRubric } from '../../classifiers/judge/rubric.ts';
import { InterruptedError } from '../../src/core/errors.ts';
import { type ProgressEvent, silent } from '../../src/core/events.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';
import { readRecord } from '../../src/io/run-record.ts';
import { estimateLabels, type LabelJob, labelFiles } from '../../src/stages/judge-label.ts';
import { type RefineJob, refineFiles } from '../../src/stages/refine-files.ts';
import { scratchFolder } from '../io/scratch.ts';
import { type Behaviour, chatServer, documentIn, type Seen } from './chat-server.ts';

const folder = scratchFolder();
let made = 0;
const fresh = (): string => join(folder, `out${made++}`);

const texts = Array.from({ length: 60 }, (_, i) =>
  i === 7 ? '' : `Document ${i}. ${'It is about the number '.repeat(2 + (i % 5))}${i}.`,
);
const input = join(folder, 'documents.jsonl');
writeFileSync(
  input,
  texts
    .map((text, i) =>
      JSON.stringify({
        id: `doc-${i}`,
        text,
        source: `s${i % 3}`,
        date: `20${10 + (i % 9)}-01-01`,
        words: i,
        tags: ['a', `${i}`],
      }),
    )
    .join('\n'),
);

const common = {
  sampling: { maxTokens: 100, temperature: 0 },
  emit: silent,
  prices: { input: 1, output: 2 },
};
const labelJob = (url: string, out: string, more: Partial<LabelJob> = {}): LabelJob => ({
  ...common,
  inputs: [{ path: input }],
  out,
  endpoint: { url, model: 'm', retrySeconds: 0.001, maxRetries: 2, environment: {} },
  rubric: builtInRubric('usefulness')!,
  ...more,
});
const refineJob = (url: string, out: string, more: Partial<RefineJob> = {}): RefineJob => ({
  ...common,
  inputs: [{ path: input }],
  out,
  endpoint: { url, model: 'm', retrySeconds: 0.001, maxRetries: 2, environment: {} },
  prompt: builtInRefinePrompt('megamath-web-pro')!,
  ...more,
});

const first = (seen: Seen): string => documentIn(seen.body.messages[0]!.content);
const numberOf = (text: string): number => Number(/Document (\d+)/.exec(text)![1]);

function judge(seen: Seen): Behaviour {
  const n = numberOf(first(seen));
  if (n % 20 === 3) return { say: 'I do not know.' };
  if (n % 20 === 5 && seen.attempt === 1) return { status: 429, headers: { 'retry-after-ms': '1' } };
  return { say: `On ${n}.\n\n**Final score: ${n % 6}**` };
}
function refiner(seen: Seen): Behaviour {
  const n = numberOf(first(seen));
  if (n % 20 === 4) return { say: 'I cannot do that.' };
  return { say: `Refined: ${first(seen).replace('It is about', 'About')}` };
}

async function rowsOf(path: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for (const unit of (await planRead([{ path }])).units)
    for await (const item of readUnit(unit))
      if (item.kind === 'batch') rows.push(...item.batch.records.toArray().map((row) => row!.toJSON()));
  return rows;
}

describe('label', () => {
  test('writes a row for each document, with its score or the reason why it has none', async () => {
    const server = await chatServer(judge);
    const out = fresh();
    const events: ProgressEvent[] = [];
    const summary = await labelFiles(labelJob(server.url, out, { emit: (event) => events.push(event) }));
    const rows = await rowsOf(join(out, 'labels.parquet'));
    expect(rows.map(({ id }) => id)).toEqual(texts.map((_, i) => `doc-${i}`));
    expect(rows[8]).toMatchObject({
      text: texts[8],
      source: 's2',
      group: '2018',
      score: 2,
      reason: 'scored',
      justification: 'On 8.',
      judged_characters: texts[8]!.length,
      rubric: 'usefulness',
      model: 'm',
      prompt_tokens: 100,
      completion_tokens: 10,
      answers: 1,
    });
    expect(rows[3]).toMatchObject({ score: null, reason: 'unparsed', answers: 3, prompt_tokens: 300 });
    expect(rows[7]).toMatchObject({ score: null, reason: 'empty_text', answers: 0 });
    expect(summary.ledger).toEqual({ in: 60, kept: 56, dropped: { empty_text: 1, unparsed: 3 }, failed: {} });
    expect(Object.values(summary.scores).reduce((a, b) => a + b)).toBe(56);
    expect(summary.usage).toEqual({ prompt_tokens: 6500, completion_tokens: 650 });
    expect(summary.costUsd).toBeCloseTo(0.0078);
    expect(summary.messages).toEqual({ unparsed: 'no_score' });
    const record = readRecord(out);
    expect(record).toMatchObject({
      command: 'classify',
      status: 'done',
      summary: { ledger: summary.ledger, possiblyPaidTwice: 0 },
    });
    expect(record.config).toMatchObject({
      task: 'label',
      model: 'm',
      endpoint: server.url.slice(7),
      prompt: 'usefulness',
    });
    expect(events.at(-1)).toMatchObject({
      kind: 'end',
      task: 'label',
      done: 60,
      numbers: { 'tokens in': 6500, 'cost $': 0.0078 },
    });
  });

  test('writes the same bytes one request at a time and many, at once and after stops', async () => {
    const server = await chatServer(judge);
    const bytesOf = (out: string): Buffer => readFileSync(join(out, 'labels.parquet'));
    const [slow, fast, stopped] = [fresh(), fresh(), fresh()];
    const endpoint = labelJob(server.url, slow).endpoint;
    await labelFiles(labelJob(server.url, slow, { endpoint: { ...endpoint, concurrency: 1 } }));
    await labelFiles(labelJob(server.url, fast, { endpoint: { ...endpoint, concurrency: 20 } }));
    expect(bytesOf(fast).equals(bytesOf(slow))).toBe(true);
    const before = server.seen.length;
    for (let stops = 0; ; stops++) {
      const abort = new AbortController();
      const atOnce = { ...endpoint, concurrency: 3 };
      const last = server.seen.length + 25;
      const watch = setInterval(() => server.seen.length >= last && abort.abort(), 1);
      const ended = await labelFiles(
        labelJob(server.url, stopped, { endpoint: atOnce, signal: abort.signal }),
      ).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(InterruptedError);
          return false;
        },
      );
      clearInterval(watch);
      if (ended) break;
      expect(stops).toBeLessThan(60);
      expect(existsSync(join(stopped, 'labels.parquet'))).toBe(false);
      expect(readRecord(stopped).status).toBe('interrupted');
    }
    expect(bytesOf(stopped).equals(bytesOf(slow))).toBe(true);
    // 65 answers; the turned away are not asked again after their first time, since the server knows them by then.
    expect(server.seen.length - before).toBe(65);
  });

  test('says before the run what it would ask for, and touches nothing', async () => {
    const out = fresh();
    const job = labelJob('http://127.0.0.1:9', out, { inputs: [{ path: input }] });
    const estimate = await estimateLabels(job);
    expect(estimate).toMatchObject({
      documents: 60,
      requests: 59,
      answered: 0,
      completionTokens: 59 * 100,
      countedBy: 'UTF-8 bytes / 4',
    });
    const prompt = Buffer.byteLength(builtInRubric('usefulness')!.prompt) / 4;
    expect(estimate.promptTokens).toBeGreaterThan(59 * prompt);
    expect(estimate.promptTokens).toBeLessThan(59 * (prompt + 150));
    expect(estimate.costUsd).toBeCloseTo((estimate.promptTokens + 2 * estimate.completionTokens) / 1e6);
    expect(existsSync(out)).toBe(false);
  });

  test('stops at its budget with the rest told, and goes on with a larger one', async () => {
    const server = await chatServer((seen) => ({ say: `Final score: ${numberOf(first(seen)) % 6}` }));
    const out = fresh();
    const one = await labelFiles(labelJob(server.url, out, { budgetTokens: 3000 }));
    expect(one.ledger.failed.over_budget).toBeGreaterThan(30);
    expect(one.usage.prompt_tokens + one.usage.completion_tokens).toBeLessThanOrEqual(3000);
    const two = await labelFiles(labelJob(server.url, out, { budgetTokens: 100_000 }));
    expect(two.ledger).toMatchObject({ kept: 59, failed: {} });
    expect(server.seen).toHaveLength(59);
    await expect(
      labelFiles(labelJob(server.url, fresh(), { budgetUsd: 1, prices: undefined })),
    ).rejects.toThrow('needs prices');
  });

  test('refuses a folder of another job, and says what the journal has of other settings', async () => {
    const server = await chatServer(judge);
    const out = fresh();
    await labelFiles(labelJob(server.url, out, { limit: 2 }));
    await expect(refineFiles(refineJob(server.url, out))).rejects.toThrow(
      'holds the run of another command (classify label)',
    );
    const said: string[] = [];
    const emit = (event: ProgressEvent): void => void (event.kind === 'message' && said.push(event.text));
    await labelFiles(labelJob(server.url, out, { limit: 2, rubric: builtInRubric('relevance')!, emit }));
    expect(said.join('\n')).toContain('2 of these were asked with another prompt, model or sampling');
  });

  test('leaves no key in anything that it writes, though the server says it again and again', async () => {
    const key = 'sk-secret-0123456789';
    const server = await chatServer(({ attempt }) =>
      attempt === 1
        ? { status: 500, body: key }
        : { say: `${key}\nFinal score: 1`, message: { refusal: undefined } },
    );
    const out = fresh();
    const events: ProgressEvent[] = [];
    const job = labelJob(server.url, out, { limit: 5, emit: (event) => events.push(event) });
    const endpoint = { ...job.endpoint, environment: { KEY: key }, apiKeyEnv: 'KEY' };
    const summary = await labelFiles({ ...job, endpoint });
    expect(server.seen[0]!.headers.authorization).toBe(`Bearer ${key}`);
    const written = readdirSync(out).map((name) => readFileSync(join(out, name), 'latin1'));
    expect(written).toHaveLength(3);
    expect(`${written.join()}${JSON.stringify(summary)}${JSON.stringify(events)}`).not.toContain(key);
    expect((await rowsOf(join(out, 'labels.parquet')))[0]!.justification).toBe('[api key]');
  });
});

describe('refine', () => {
  test('writes kept/ with the columns that the documents had, and the dropped with their reasons', async () => {
    const server = await chatServer(refiner);
    const out = fresh();
    const summary = await refineFiles(refineJob(server.url, out));
    expect(summary.ledger).toEqual({ in: 60, kept: 56, dropped: { empty_text: 1, refused: 3 }, failed: {} });
    const rows = await rowsOf(join(out, 'kept'));
    expect(rows).toHaveLength(56);
    expect(rows[7]).toMatchObject({
      id: 'doc-9',
      text: `Refined: ${texts[9]!.replace('It is about', 'About')}`,
      source: 's0',
      date: '2010-01-01',
      words: expect.anything(),
      original_characters: texts[9]!.length,
      refined_by: 'm',
      refined_with: 'megamath-web-pro',
      refine_pieces: 1,
      prompt_tokens: 100,
    });
    expect(Number(rows[7]!.words)).toBe(9);
    expect(rows[7]!.original_text_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(rows[7]!.length_ratio).toBeGreaterThan(0.9);
    const dropped = await rowsOf(join(out, 'dropped.parquet'));
    expect(dropped.map(({ id, reason }) => [id, reason])).toEqual([
      ['doc-4', 'refused'],
      ['doc-7', 'empty_text'],
      ['doc-24', 'refused'],
      ['doc-44', 'refused'],
    ]);
    // The folder is an input like a filter run: what it kept is read, and nothing else.
    const labels = fresh();
    const judged = await labelFiles(
      labelJob((await chatServer(judge)).url, labels, { inputs: [{ path: out }], limit: 4 }),
    );
    expect(judged.ledger.in).toBe(4);
    expect((await rowsOf(join(labels, 'labels.parquet')))[0]!.text).toBe(rows[0]!.text);
  });

  test('writes the same bytes again, whatever the concurrency, and asks for nothing twice', async () => {
    const server = await chatServer(refiner);
    const [one, two] = [fresh(), fresh()];
    const bytesOf = (out: string): Buffer[] =>
      [...readdirSync(join(out, 'kept')).map((name) => join('kept', name)), 'dropped.parquet'].map((name) =>
        readFileSync(join(out, name)),
      );
    const { endpoint } = refineJob(server.url, one);
    await refineFiles(refineJob(server.url, one, { endpoint: { ...endpoint, concurrency: 1 } }));
    await refineFiles(
      refineJob(server.url, two, { endpoint: { ...endpoint, concurrency: 16 }, budgetTokens: 5000 }),
    );
    await refineFiles(refineJob(server.url, two, { endpoint: { ...endpoint, concurrency: 16 } }));
    expect(server.seen).toHaveLength(118);
    expect(bytesOf(two)).toEqual(bytesOf(one));
    mkdirSync(join(two, 'kept-unfinished'));
    writeFileSync(join(two, 'kept-unfinished', 'left'), 'by a kill');
    await refineFiles(refineJob(server.url, two));
    expect(bytesOf(two)).toEqual(bytesOf(one));
    expect(server.seen).toHaveLength(118);
    expect(readdirSync(two).sort()).toEqual(['dropped.parquet', 'journal.jsonl', 'kept', 'run.json']);
  });
});
