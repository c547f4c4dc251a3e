/** `midtrain trace`: every token of a mixture leads back to the text it was made from, and what cannot be said is said. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readFlags } from '../../src/cli/read-flags.ts';
import { command } from '../../src/cli/trace.ts';
import { mix } from '../../src/stages/mix.ts';
import { type Trace, traceToken } from '../../src/stages/trace-token.ts';
import { scratchFolder } from '../io/scratch.ts';
import { tinyText, writeByteTokenizer, writeTinyRecipe } from '../stages/tiny-mix.ts';

const folder = scratchFolder();
const out = join(folder, 'mix');
const shards = join(out, 'shards');
let sequences = 0;

const lengths = {
  web: Array.from({ length: 60 }, (_, i) => 5 + ((i * 37) % 90)),
  qa: Array.from({ length: 30 }, (_, i) => 3 + ((i * 13) % 20)),
};

beforeAll(async () => {
  await writeByteTokenizer(folder);
  const loaded = writeTinyRecipe(folder, {
    sequenceLength: 31,
    budget: 4000,
    fill: 'web',
    heldout: 0.1,
    sources: {
      web: { role: 'web', lengths: lengths.web },
      qa: { role: 'qa', weight: 0.3, lengths: lengths.qa },
    },
  });
  const { plan } = await mix({
    loaded,
    cwd: folder,
    output: out,
    packing: 'best-fit',
    shardTokens: 1500,
    perSource: true,
    workers: 1,
  });
  sequences = plan.sequences;
  expect(plan.paddingTokens).toBeGreaterThan(0);
});

async function run(...argv: string[]): Promise<string> {
  const flags = readFlags(command, 'midtrain trace', argv);
  if ('help' in flags) return flags.help;
  let text = '';
  await command.run(
    {
      emit: () => {},
      signal: new AbortController().signal,
      write: (part) => (text += part),
      json: flags.options.json === true,
      cwd: folder,
    },
    flags.args,
    flags.options,
  );
  return text;
}

test('every token of the mixture is the token of the document that it is traced to', async () => {
  const padding: Trace[] = [];
  for (let position = 0; position < sequences * 32; position += 29) {
    const trace = await traceToken({ path: out, position });
    expect(trace.positionInFolder).toBe(position);
    expect(trace.sequence).toEqual({ number: Math.floor(position / 32), offset: position % 32, length: 32 });
    expect(trace.unknown).toEqual([]);
    if (trace.document === undefined) {
      padding.push(trace);
      continue;
    }
    const { id, source, role, url, token, from, to } = trace.document;
    const number = Number(id.split('-')[1]);
    const length = lengths[source as 'web' | 'qa'][number]!;
    const text = tinyText(source, number, length);
    expect(trace.token.text).toBe(token === length - 1 ? '<|endoftext|>' : text[token!]);
    expect(role).toBe(source);
    expect(url).toBe(`https://${source}.example/${number}`);
    expect(to! - from!).toBe(trace.piece.end - trace.piece.start);
    expect(token! - from!).toBe(trace.position - trace.piece.start);
    expect(trace.inputs).toEqual([`${source}.jsonl`]);
    expect(trace.counts).toBe(true);
  }
  expect(padding.length).toBeGreaterThan(0);
  for (const trace of padding)
    expect(trace).toMatchObject({ padding: true, counts: false, document: undefined });
});

describe('the ways to name a token', () => {
  test('a position of the folder, of a shard, a sequence, a step: all the same token', async () => {
    const shard1 = 46 * 32;
    const json = async (...argv: string[]) => JSON.parse(await run(...argv, '--json')) as Trace;
    const whole = await json('mix', String(shard1 + 35));
    expect(whole.shard).toBe(join(shards, '00001.ds'));
    expect(whole.position).toBe(35);
    expect(await json('mix/shards/00001.ds', '35')).toMatchObject({
      position: 35,
      token: whole.token,
      document: whole.document,
    });
    expect(await json('mix/shards', String(shard1 + 35))).toEqual(whole);
    expect(await json('mix', '--sequence', '47', '--offset', '3')).toEqual(whole);
    expect(await json('mix', '--step', '6', '--row', '7', '--batch', '8', '--offset', '3')).toEqual({
      ...whole,
      epoch: 1,
    });
    // Behind the last sequence training begins again.
    expect(await json('mix', '--step', String(sequences + 48), '--batch', '1', '--offset', '3')).toEqual({
      ...whole,
      epoch: 2,
    });
  });

  test('the text for people marks the token and names its document', async () => {
    const text = await run('mix', '--sequence', '0', '--offset', '2');
    expect(text).toMatch(/^sequence +0, token 2 of 32$/m);
    expect(text).toMatch(/^document +(web|qa)-\d+$/m);
    expect(text).toMatch(/^in it +token \d+; the piece is its tokens \d+ to \d+, read in pass 1$/m);
    expect(text).toMatch(/\[\[.\]\]/);
  });

  test('held-out shards and those of single sources are traced too', async () => {
    const heldout = await traceToken({ path: join(out, 'heldout/web.ds'), position: 0 });
    expect(heldout).toMatchObject({ sequence: undefined, document: { source: 'web', token: 0, from: 0 } });
    const single = await traceToken({ path: join(out, 'per-source/qa'), sequence: 1 });
    expect(single).toMatchObject({ position: 32, document: { source: 'qa' }, unknown: [] });
  });
});

describe('what cannot be', () => {
  test.each([
    [['mix'], /which token is not said/],
    [['mix', '5', '--sequence', '1'], /named in more than one way/],
    [['mix', '5', '--offset', '1'], /--offset goes with --sequence or --step/],
    [['mix', 'five'], /position five: expected a whole number/],
    [['mix', '-1'], /unknown flag|-1/],
    [['mix', '99999999'], /no token 99999999; its 3 shards have \d+, numbered from 0/],
    [['mix/shards/00000.ds', '1472'], /no token 1472; the shard has 1472/],
    [['mix', '--sequence', '99999'], /no sequence 99999; it has \d+, numbered from 0/],
    [['mix', '--sequence', '0', '--offset', '32'], /--offset 32: a sequence has 32 tokens/],
    [['mix', '--step', '1'], /--step needs --batch/],
    [['mix', '--step', '1', '--batch', '4', '--row', '4'], /--row 4: a step has 4 rows/],
    [['nowhere', '1'], /nowhere: there is nothing/],
    [['tiny.yaml', '1'], /tiny.yaml is not a token shard/],
    [['byte-tokens', '1'], /byte-tokens has no .ds shards/],
  ])('%s is an error that says so', async (argv, message) => {
    await expect((async () => run(...argv))()).rejects.toThrow(message);
  });

  test('a shard of another tool says what it can and why it cannot say more', async () => {
    const foreign = join(folder, 'foreign');
    mkdirSync(foreign);
    for (const part of ['.ds', '.ds.index', '.ds.metadata'])
      copyFileSync(join(shards, `00000${part}`), join(foreign, `x${part}`));
    const trace = await traceToken({ path: join(foreign, 'x.ds'), position: 40 });
    expect(trace).toMatchObject({
      document: undefined,
      text: undefined,
      sequence: undefined,
      padding: false,
    });
    expect(trace.piece.start).toBeLessThanOrEqual(40);
    expect(trace.unknown.join()).toMatch(
      /no x.provenance.parquet beside the shard.*tokenizer \(byte-tokens\) is not here/,
    );
    await expect(traceToken({ path: foreign, sequence: 1 })).rejects.toThrow(
      /how long its sequences are is not known/,
    );
    const more = await traceToken({
      path: foreign,
      sequence: 1,
      sequenceLength: 31,
      tokenizer: join(folder, 'byte-tokens'),
    });
    expect(more).toMatchObject({ position: 32, sequence: { number: 1 } });
    expect(more.text!.token).toHaveLength(1);
  });

  test('provenance of another shard, a cut index, a broken table and a missing manifest do not give a wrong answer', async () => {
    const at = (name: string) => join(shards, name);
    const change = async (name: string, bytes: Buffer | undefined, check: () => Promise<unknown>) => {
      const before = readFileSync(at(name));
      if (bytes === undefined) rmSync(at(name));
      else writeFileSync(at(name), bytes);
      try {
        await check();
      } finally {
        writeFileSync(at(name), before);
      }
    };
    const trace = () => traceToken({ path: at('00000.ds'), position: 700 });
    await change('00000.provenance.parquet', readFileSync(at('00001.provenance.parquet')), () =>
      expect(trace()).rejects.toThrow(
        /where the shard's index has tokens \d+ to \d+: one of the two is damaged/,
      ),
    );
    await change('00000.provenance.parquet', Buffer.from('PAR1 not'), () =>
      expect(trace()).rejects.toThrow(/00000.provenance.parquet/),
    );
    await change('00000.ds.index', readFileSync(at('00000.ds.index')).subarray(0, -8), () =>
      expect(trace()).rejects.toThrow(/the last document ends at token/),
    );
    await change('00000.ds', readFileSync(at('00000.ds')).subarray(0, -2), () =>
      expect(trace()).rejects.toThrow(/its metadata says/),
    );
    renameSync(join(out, 'manifest.json'), join(out, 'kept.json'));
    const unfinished = await trace();
    renameSync(join(out, 'kept.json'), join(out, 'manifest.json'));
    expect(unfinished.unknown.join()).toMatch(/has no manifest.json: the mixture is not finished/);
    expect(unfinished.document).toBeDefined();
  });
});
