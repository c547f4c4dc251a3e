/**
 * WARC and WET files: real ones, encodings, damage, and that however a file is cut every record is in exactly one unit.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRead } from '../../src/io/read-plan.ts';
import { scratchFolder } from './scratch.ts';
import { describeWith, sharedData } from './shared-data.ts';
import { type Result, readPath } from './warc-documents.ts';
import { gzipEach, pageRecord, warcRecord } from './warc-files.ts';

const folder = scratchFolder();
let files = 0;

function written(content: Uint8Array, name = 'a.warc.gz'): string {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, content);
  return path;
}

describe('WARC pages', () => {
  it('come with id, address, date and html, and what is no page is tallied', async () => {
    const path = written(
      gzipEach([
        warcRecord({ type: 'warcinfo', contentType: 'application/warc-fields', body: 'software: x' }),
        warcRecord({ type: 'request', http: 'GET / HTTP/1.1' }),
        pageRecord(1, '<p>one</p>'),
        pageRecord(2, 'PNG', 'Content-Type: image/png'),
        warcRecord({ http: 'HTTP/1.1 404 Not Found\nContent-Type: text/html', body: '<p>no</p>' }),
        warcRecord({
          type: 'resource',
          id: 'urn:r',
          contentType: 'text/html',
          body: '<p>resource</p>',
          url: '<file:///x>',
        }),
        warcRecord({ type: 'revisit', http: 'HTTP/1.1 200 OK' }),
      ]),
    );
    const { documents, tally, problems } = await readPath(path);
    expect(documents).toEqual([
      {
        id: '<urn:uuid:1>',
        url: 'http://example.com/1',
        date: '2024-05-18T01:58:10Z',
        text: '<p>one</p>',
        row: 0,
      },
      { id: '<urn:r>', url: 'file:///x', date: '2024-05-18T01:58:10Z', text: '<p>resource</p>', row: 1 },
    ]);
    expect(problems).toEqual([]);
    expect(tally.skipped).toEqual({
      warcinfo: 1,
      request: 1,
      'response image/png': 1,
      'response status 404': 1,
      revisit: 1,
    });
  });

  const page = '<p>Satz: ∑ x = 1</p>'.repeat(50);
  const chunked = (text: string): string =>
    `5\r\n${text.slice(0, 5)}\r\n${(text.length - 5).toString(16)};x=y\r\n${text.slice(5)}\r\n0\r\n\r\n`;
  const encodings: [string, string, string | Uint8Array][] = [
    ['gzip', 'Content-Encoding: gzip', gzipSync(page)],
    ['deflate without its header', 'Content-Encoding: deflate', deflateRawSync(page)],
    ['brotli', 'Content-Encoding: br', brotliCompressSync(page)],
    ['zstd', 'Content-Encoding: zstd', zstdCompressSync(page)],
    ['gzip that the crawler has undone', 'Content-Encoding: gzip', page],
    ['brotli that the crawler has undone', 'Content-Encoding: br', page],
    ['gzip cut short, as far as it goes', 'Content-Encoding: gzip', gzipSync(page).subarray(0, -12)],
  ];
  for (const [name, head, body] of encodings) {
    it(`are decoded: ${name}`, async () => {
      const { documents, problems } = await readPath(
        written(pageRecord(1, body, `Content-Type: text/html\n${head}`), 'a.warc'),
      );
      expect(problems).toEqual([]);
      expect(page.startsWith(documents[0]!.text!)).toBe(true);
      expect(documents[0]!.text!.length).toBeGreaterThan(page.length * 0.6);
    });
  }

  it('are put together from chunks, also where the header lies about them', async () => {
    const head = 'Content-Type: text/html\nTransfer-Encoding: chunked';
    const path = written(
      gzipEach([pageRecord(1, chunked('<p>chunks</p>'), head), pageRecord(2, '<p>whole</p>', head)]),
    );
    expect((await readPath(path)).documents.map(({ text }) => text)).toEqual([
      '<p>chunks</p>',
      '<p>whole</p>',
    ]);
  });

  it('are decoded by the charset of the HTTP header, then of the page', async () => {
    const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
    const path = written(
      gzipEach([
        pageRecord(1, latin('<p>caf\xe9</p>'), 'Content-Type: text/html; charset=iso-8859-1'),
        pageRecord(2, latin('<meta charset=koi8-r><p>\xc1</p>')),
        pageRecord(3, latin('<p>\xff broken</p>'), 'Content-Type: text/html; charset=UTF-8'),
      ]),
    );
    const { documents, tally } = await readPath(path);
    expect(documents.map(({ text }) => text)).toEqual([
      '<p>café</p>',
      '<meta charset=koi8-r><p>а</p>',
      '<p>\uFFFD broken</p>',
    ]);
    expect(tally.repaired).toBe(1);
  });

  it('that decompress to too much are one failed record each', async () => {
    const bomb = gzipSync(Buffer.alloc(16 << 20));
    const head = 'Content-Type: text/html\nContent-Encoding: gzip';
    const { documents, problems } = await readPath(
      written(gzipEach([pageRecord(1, bomb, head), pageRecord(2, '<p>x</p>')])),
    );
    expect(documents.map(({ id }) => id)).toEqual(['<urn:uuid:2>']);
    expect(problems).toEqual([expect.stringMatching(/gzip body of \d+ bytes decompresses to more than/)]);
  });

  it('larger than the limit are failed and stepped over', async () => {
    const path = written(gzipEach([pageRecord(1, '<p>x</p>'.repeat(100_000)), pageRecord(2, '<p>x</p>')]));
    const { documents, problems } = await readPath(path, {}, { maxPageBytes: 100_000 });
    expect(problems).toEqual([expect.stringMatching(/the limit is/)]);
    expect(documents.map(({ row }) => row)).toEqual([1]);
  });
});

describe('damaged WARC files', () => {
  it('a Content-Length that is too long does not swallow the next record', async () => {
    const lying = warcRecord({
      id: 'urn:liar',
      http: 'HTTP/1.1 200 OK\nContent-Type: text/html',
      body: '<p>a</p>',
      length: 500,
    });
    const { documents, problems } = await readPath(
      written(gzipEach([pageRecord(1, 'x'), lying, pageRecord(2, 'y')])),
    );
    expect(documents.map(({ id, row }) => [id, row])).toEqual([
      ['<urn:uuid:1>', 0],
      ['<urn:uuid:2>', 2],
    ]);
    expect(problems).toEqual(['the record ends before its Content-Length']);
  });

  it('a damaged member costs its own record', async () => {
    const members = [1, 2, 3].map((i) => gzipSync(pageRecord(i, `<p>${i}</p>`.repeat(500))));
    members[1]![40]! ^= 0xff;
    members[1]![50]! ^= 0xff;
    const { documents, problems, errors } = await readPath(written(Buffer.concat(members)));
    expect(documents.map(({ id }) => id)).toEqual(['<urn:uuid:1>', '<urn:uuid:3>']);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/gzip data/);
    expect(errors).toEqual([]);
  });

  it('cut short anywhere give the whole records before, then the place', async () => {
    const records = [1, 2, 3].map((i) => pageRecord(i, `<p>${i}</p>`.repeat(50)));
    for (const whole of [gzipEach(records), Buffer.concat(records), gzipSync(Buffer.concat(records))]) {
      for (let cut = 30; cut < whole.length - 4; cut += 101) {
        const { documents, errors, problems, plan } = await readPath(
          written(whole.subarray(0, cut), 'cut.warc'),
        );
        const ids = documents.map(({ id }) => id);
        expect(['<urn:uuid:1>', '<urn:uuid:2>', '<urn:uuid:3>'].slice(0, ids.length)).toEqual(ids);
        const told = [...errors, ...problems, ...plan.failures.map((failure) => failure.problem)].join('\n');
        // A cut between two members cannot be seen.
        if (ids.length < 3 && told === '') expect(gzipEach(records.slice(0, ids.length)).length).toBe(cut);
        if (told !== '') expect(told).toMatch(/cut short|WARC\/1\.0/);
      }
    }
  });

  it('are refused when they hold no pages: ARC, WAT, requests only', async () => {
    const arc = Buffer.from('filedesc://x.arc 0.0.0.0 20140216050221 text/plain 75\n1 0 X\n');
    const problem = async (content: Uint8Array, name: string): Promise<string | undefined> =>
      (await planRead([{ path: written(content, name) }])).failures[0]?.problem;
    expect(await problem(arc, 'x.arc')).toMatch(/ARC, the format before WARC/);
    expect(await problem(gzipSync(arc), 'x.arc.gz')).toMatch(/ARC, the format before WARC/);
    expect(await problem(warcRecord({ type: 'metadata' }), 'x.warc.wat')).toMatch(/WAT/);
    expect(await problem(warcRecord({ type: 'request' }), 'x.warc')).toMatch(
      /no record of this file is a page/,
    );
  });
});

describe('units of a WARC file', () => {
  /** Pages with everything that looks like the beginning of a record or of a member where none begins. */
  function adversarial(seed: number, stored: boolean): Buffer {
    const inner = [0, 1, 2].map((i) => pageRecord(`inner-${seed}-${i}`, '<p>archived archive</p>'));
    const traps: (string | Uint8Array)[] = [
      gzipEach(inner, stored ? 0 : 6),
      Buffer.concat(inner),
      Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x1f, 0x8b, 8, 0]),
      '\r\n\r\nWARC/1.0\r\nWARC-Type: response\r\nContent-Length: 3\r\n\r\nabc',
      'WARC/1.0\r\n',
      '\r\n\r\n\r\n',
      '',
    ];
    const records = Array.from({ length: 12 }, (_, i) =>
      i % 3 === seed % 3
        ? warcRecord({ type: 'request', http: 'GET / HTTP/1.1' })
        : pageRecord(
            `${seed}-${i}`,
            Buffer.concat([
              Buffer.from(traps[(i * 5 + seed) % traps.length]! as Uint8Array),
              Buffer.from(`<p>${i}</p>`),
            ]),
          ),
    );
    // Several records in one member, too, and an empty member.
    const members = records.map((record, i) =>
      gzipSync(i === 4 ? Buffer.concat([record, inner[0]!]) : record, { level: stored ? 0 : 6 }),
    );
    members.splice(6, 0, gzipSync(''));
    return Buffer.concat(members);
  }

  it('hold every record exactly once, wherever the file is cut and whatever its bytes', async () => {
    for (let seed = 0; seed < 4; seed++) {
      for (const [name, content] of [
        ['a.warc.gz', adversarial(seed, seed % 2 === 0)],
        [
          'a.warc',
          Buffer.concat(
            [0, 1, 2, 3].map((i) => pageRecord(`${seed}-${i}`, 'WARC/1.0\r\n\r\nWARC/1.1'.repeat(i))),
          ),
        ],
      ] as const) {
        const path = written(content, name);
        const whole = await readPath(path);
        expect(whole.problems).toEqual([]);
        expect(whole.documents.length).toBeGreaterThan(3);
        for (const unitBytes of [1, 333, 1500]) {
          const parts = await readPath(path, { unitBytes });
          if (unitBytes < 200) expect(parts.plan.units.length).toBeGreaterThan(3);
          expect(parts.documents).toEqual(whole.documents);
          expect(parts.tally).toEqual(whole.tally);
          const planned = parts.plan.units.reduce((sum, { rows }) => sum + (rows ?? Number.NaN), 0);
          if (parts.plan.units.length > 1) expect(planned).toBe(whole.documents.length);
        }
      }
    }
  });

  it('of a damaged file hold what the whole file holds', async () => {
    const good = adversarial(2, true);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.nat(254),
        fc.integer({ min: 1, max: 900 }),
        async (at, xor, unitBytes) => {
          const bytes = Buffer.from(good);
          bytes[at]! ^= xor + 1;
          const path = written(bytes, 'damaged.warc.gz');
          const whole = await readPath(path);
          const parts = await readPath(path, { unitBytes });
          expect(parts.documents).toEqual(whole.documents);
          expect(parts.problems).toEqual(whole.problems);
          expect(parts.errors.length).toBe(whole.errors.length);
        },
      ),
      { numRuns: 12, seed: 7 },
    );
  });

  it('of a file that is one gzip member are one, and the plan says so', async () => {
    const { plan, documents } = await readPath(
      written(gzipSync(Buffer.concat([pageRecord(1, 'a'), pageRecord(2, 'b')]))),
      { unitBytes: 10 },
    );
    expect(documents).toHaveLength(2);
    expect(plan.units).toHaveLength(1);
    expect(plan.notes).toEqual([expect.stringMatching(/one unit of work/)]);
  });
});

describeWith('warc', 'real archives', () => {
  const real = async (name: string): Promise<Result> => readPath(join(sharedData, 'warc', name));

  it('of Common Crawl give the page, and the same from gzip and plain', async () => {
    const packed = await real('whirlwind/whirlwind.warc.gz');
    const plain = await real('whirlwind/whirlwind.warc');
    expect(packed.documents[0]).toMatchObject({
      id: '<urn:uuid:2aabeff2-67f5-4608-8466-e87c6296e2b6>',
      url: 'https://an.wikipedia.org/wiki/Escopete',
    });
    expect(packed.documents[0]!.text).toMatch(/^<!DOCTYPE html>[\s\S]*<\/html>\s*$/);
    expect(plain.documents).toEqual(packed.documents);
    expect(packed.tally.skipped).toEqual({ warcinfo: 1, request: 1, metadata: 1 });
  });

  it('of extracted text give the text', async () => {
    const { documents, plan } = await real('whirlwind/whirlwind.warc.wet.gz');
    expect(plan.units[0]!.format).toBe('wet');
    expect(documents[0]!.text).toMatch(/^Escopete - Biquipedia/);
    expect(documents).toEqual((await real('whirlwind/whirlwind.warc.wet')).documents);
  });

  it('with wrong chunks, spaces and brackets in addresses and no chunks at all are read', async () => {
    for (const name of [
      'example-wrong-chunks.warc.gz',
      'example-wget-bad-target-uri.warc.gz',
      'example-bad-non-chunked.warc.gz',
      'example.warc',
    ]) {
      const { documents, problems } = await real(`warcio/${name}`);
      expect(problems).toEqual([]);
      expect(documents.map(({ url }) => url)).toEqual(['http://example.com/']);
      expect(documents[0]!.text).toMatch(/^<!doctype html>[\s\S]*Example Domain[\s\S]*<\/html>\s*$/);
    }
  });
});

it('members made to overlap are given up in bounded time', async () => {
  // Each member is a chain of stored blocks that runs on through all the others, and its checksum is wrong.
  const block = Buffer.alloc(65_540);
  block.writeUInt16LE(65_535, 1);
  block.writeUInt16LE(0, 3);
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
    Buffer.from([0, 5, 0, 0xfa, 0xff]),
    Buffer.from('WARC/'),
  ]);
  for (let at = 5; at < 65_000; at += 500) {
    head.copy(block, at);
    // A stored block up to where the next outer one begins, so that every chain ends with the file.
    const left = 65_540 - (at + head.length + 5);
    block[at + head.length] = 0;
    block.writeUInt16LE(left, at + head.length + 1);
    block.writeUInt16LE(0xffff - left, at + head.length + 3);
  }
  const bytes = Buffer.concat([head, ...Array.from({ length: 60 }, () => block)]);
  const began = process.cpuUsage();
  await readPath(written(bytes, 'overlap.warc.gz'));
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1e6).toBeLessThan(5);
});
