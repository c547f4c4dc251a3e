/** The inspect view, drawn and typed into: paging, reasons, margins, search, copies, sizes, and pages that attack the terminal. */
import { setTimeout as sleep } from 'node:timers/promises';
import { render } from 'ink-testing-library';
import { afterEach, describe, expect, test } from 'vitest';
import type { Rule } from '../../src/filters/rule.ts';
import type { ClusterMember, RunDocument } from '../../src/stages/run-documents.ts';
import { type DocumentSource, InspectApp, type InspectStart } from '../../src/tui/inspect-app.tsx';
import { widthOf } from '../../src/tui/visible-text.ts';

const short: Rule = { signal: 'gopher.word_count', side: 'min', bound: 50, reason: 'gopher_short_doc' };
const punct: Rule = {
  signal: 'fineweb.line_punct_ratio',
  side: 'min',
  bound: 0.12,
  reason: 'line_punct_ratio',
};

function makeDocument(number: number, change: Partial<RunDocument> = {}): RunDocument {
  const words = 40 + number;
  return {
    number,
    unit: '0000-unit',
    index: number,
    id: `doc-${number}`,
    url: `https://example.org/${number}`,
    source: 'crawl',
    title: null,
    reason: words < 50 ? 'gopher_short_doc' : 'kept',
    text: Array.from({ length: 30 }, (_, i) => `document ${number} line ${i + 1}`).join('\n'),
    textFrom: 'kept',
    bytes: 1234,
    tokens: 308.5,
    signals: [
      { name: short.signal, value: words, rule: short, margin: words - 50 },
      { name: punct.signal, value: 0.13, rule: punct, margin: 0.01 },
      { name: 'math.score', value: null },
    ],
    labels: [],
    copies: number < 2 ? [{ step: 'minhash', cluster: 0, size: 2 }] : [],
    ...change,
  };
}

function sourceOf(documents: readonly RunDocument[]): DocumentSource {
  const matches = (filter: string, { reason }: RunDocument): boolean =>
    filter === 'all' || filter === reason || (filter === 'dropped' && reason !== 'kept');
  const list = (filter: string): Uint32Array =>
    Uint32Array.from(documents.filter((d) => matches(filter, d)).map(({ number }) => number));
  const distance = (d: number): number => Math.abs(documents[d]!.signals[0]!.margin ?? 0);
  return {
    documents: documents.length,
    tokensExact: false,
    reasons: [
      { reason: 'kept', documents: list('kept').length },
      { reason: 'gopher_short_doc', documents: list('gopher_short_doc').length },
    ],
    list,
    byMargin: async (filter) => list(filter).sort((a, b) => distance(a) - distance(b)),
    document: async (number) => documents[number]!,
    search: async (within, from, step, needle) => {
      for (let at = from; at >= 0 && at < within.length; at += step) {
        if (documents[within[at]!]!.text.includes(needle)) return at;
      }
      return -1;
    },
    members: async (): Promise<ClusterMember[]> =>
      [0, 1].map((number) => ({
        number,
        id: `doc-${number}`,
        url: null,
        reason: number === 0 ? 'kept' : 'duplicate_minhash',
        excerpt: `beginning of ${number}`,
        priority: 100 - number,
      })),
    // Two clusters: documents 0 and 1, documents 4, 7 and 9.
    clustered: () => ({ list: Uint32Array.of(4, 7, 9, 0, 1), starts: Uint32Array.of(0, 3) }),
  };
}

const open: { unmount: () => void }[] = [];
afterEach(() => {
  for (const app of open.splice(0)) app.unmount();
});

/** Mounts the view; `frame` is what it shows without colours, `type` presses keys one after another. */
function show(documents: readonly RunDocument[], start: InspectStart = {}, size = { columns: 80, rows: 24 }) {
  const app = render(<InspectApp source={sourceOf(documents)} start={start} size={size} />);
  open.push(app);
  const raw = (): string => app.lastFrame() ?? '';
  const frame = (): string => raw().replace(/\x1b\[[\d;]*m/g, '');
  const until = async (what: string): Promise<void> => {
    for (let i = 0; i < 200; i++) {
      if (frame().includes(what)) return;
      await sleep(10);
    }
    throw new Error(`never showed ${what}:\n${frame()}`);
  };
  const type = async (keys: readonly string[]): Promise<void> => {
    for (const key of keys) {
      app.stdin.write(key);
      await sleep(30);
    }
  };
  return { raw, frame, until, type };
}

const twenty = Array.from({ length: 20 }, (_, i) => makeDocument(i));
const [right, left, down, enter, escapeKey] = ['\x1b[C', '\x1b[D', '\x1b[B', '\r', '\x1b'];

describe('the inspect view', () => {
  test('shows place, id, url, verdict, source, size, text, signals with bound and margin, and the keys', async () => {
    const { frame, until } = show(twenty);
    await until('document 0 line 1');
    const lines = frame().split('\n');
    expect(lines[0]).toBe('1/20 all  doc-0');
    expect(lines[1]).toBe('https://example.org/0');
    expect(lines[2]).toBe('dropped as gopher_short_doc: gopher.word_count 40, asked for >= 50');
    expect(lines[3]).toBe('1,234 bytes  ≈309 tokens  crawl  minhash: 2 copies');
    const fails = lines.findIndex((line) => /gopher\.word_count +40 >= 50 +-10 gopher_short_doc/.test(line));
    const near = lines.findIndex((line) =>
      /fineweb\.line_punct_ratio +0\.13 >= 0\.12 +\+0\.01 line_punct_ratio/.test(line),
    );
    const free = lines.findIndex((line) => /math\.score +not measured/.test(line));
    expect(fails).toBeGreaterThan(0);
    expect([near, free]).toEqual([fails + 1, fails + 2]);
    for (const key of ['r reason', '/ search', 'm margin', 'c copies', 's signals', 'q quit'])
      expect(lines.at(-1)).toContain(key);
  });

  test.each([
    [80, 24],
    [60, 12],
    [200, 60],
  ])('fills %i x %i and no more', async (columns, rows) => {
    const { frame, until } = show(twenty, {}, { columns, rows });
    await until('document 0 line 1');
    const lines = frame().split('\n');
    expect(lines.length).toBe(rows - 1);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });

  test('pages with arrows and letters, and stops at both ends', async () => {
    const { until, type } = show(twenty);
    await until('1/20 all  doc-0');
    await type([right, 'n', left]);
    await until('2/20 all  doc-1');
    await type(['p', 'p', 'p']);
    await until('1/20 all  doc-0');
    await type(['G', right]);
    await until('20/20 all  doc-19');
  });

  test('scrolls a text that is longer than the screen', async () => {
    const { frame, until, type } = show(twenty);
    await until('document 0 line 1');
    expect(frame()).not.toContain('line 13');
    await type([down, down, ' ']);
    await until('document 0 line 26');
    expect(frame()).not.toContain('document 0 line 14');
    await type(['n']);
    await until('document 1 line 1');
    expect(frame()).toContain('lines 1-');
  });

  test('goes through the reasons, and orders by margin', async () => {
    const { until, type } = show(twenty);
    await until('1/20 all');
    await type(['r']);
    await until('1/10 kept  doc-10');
    await type(['r', 'r']);
    await until('1/10 gopher_short_doc  doc-0');
    await type(['m']);
    await until('1/10 gopher_short_doc  doc-9');
    await until('by margin');
    await type(['R', 'R']);
    await until('1/10 kept  doc-10');
  });

  test('searches forward and back, and says when there is nothing', async () => {
    const { until, type } = show(twenty);
    await until('1/20 all');
    await type(['/', ...'document 1', enter]);
    await until('2/20 all  doc-1');
    await type(['.']);
    await until('11/20 all  doc-10');
    await type([',']);
    await until('2/20 all  doc-1');
    await type(['/', ...'nowhere', enter]);
    await until('document has "nowhere"');
    await type(['/', 'q', escapeKey]);
    await type(['n']);
    await until('3/20 all  doc-2');
  });

  test('starts where the command line says', async () => {
    const { until } = show(twenty, { filter: 'kept', search: 'document 15' });
    await until('6/10 kept  doc-15');
  });

  test('shows the copies of a duplicate side by side, and says when there are none', async () => {
    const { frame, until, type } = show(twenty);
    await until('1/20 all');
    await type(['c']);
    await until('copies 1-2 of 2');
    expect(frame()).toMatch(/> kept +doc-0 +100 beginning of 0/);
    expect(frame()).toMatch(/ {2}duplicate_minhash +doc-1 +99 beginning of 1/);
    await type(['c', 'n', 'n', 'c']);
    await until('no other document is a copy of this one');
  });

  test('goes through clusters, the largest first, with the copies above the text of each', async () => {
    const documents = twenty.map((d) =>
      makeDocument(d.number, { copies: [{ step: 'minhash', cluster: 0, size: 2 }] }),
    );
    const { frame, until, type } = show(documents, { clusters: ['minhash'] });
    await until('cluster 1/2, copy 1/3  doc-4');
    await until('copies 1-2 of 2');
    await until('document 4 line 1');
    expect(frame()).toMatch(/doc-1 +99 beginning of 1/);
    expect(frame().split('\n').length).toBe(23);
    await type([right]);
    await until('cluster 1/2, copy 2/3  doc-7');
    await type(['\t']);
    await until('cluster 2/2, copy 1/2  doc-0');
    await type(['\t']);
    await until('this is the last cluster');
    await type(['\x1b[Z']);
    await until('cluster 1/2, copy 1/3  doc-4');
    await type(['r']);
    await until('1/20 all  doc-0');
    expect(frame()).not.toContain('copies 1-');
  });

  test('shows a run without documents', async () => {
    const { until, type } = show([]);
    await until('no document: all');
    await type(['n', 'p', 'c', 's', 'm']);
    await until('no document: all');
  });

  test('draws hostile pages without letting them act or hide, at the full height', async () => {
    const attack =
      '\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]52;c;bXU=\x07\x9b31m\x90q\x9c\u202eevil\u202c zero\u200bwidth\r\x08\x00 \u{e0041}\ud800';
    const hostile = makeDocument(0, {
      id: `id${attack}`,
      url: `https://x/${attack}\n\n\n`,
      source: attack,
      title: attack,
      text: `${attack}\n${'漢'.repeat(300)}${'z\u0301'.repeat(500)}\n`.repeat(3),
      reason: 'kept',
    });
    const { raw, frame, until, type } = show([hostile]);
    await until('zero\\u200bwidth');
    expect(frame()).toContain('\\u202eevil');
    for (const keys of [[], ['s'], ['c'], ['/', ...'q']]) {
      await type(keys);
      expect(frame().replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      // Colours are the only sequences left.
      expect(raw().replace(/\x1b\[[\d;]*m/g, '')).not.toContain('\x1b');
      expect(frame().split('\n').length).toBe(23);
    }
  });

  test('says what is wrong when a document cannot be read, and goes on', async () => {
    const broken = {
      ...sourceOf(twenty),
      document: async (number: number) => {
        if (number === 1) throw new Error('kept/0000.parquet (row group 0): page 3 fails its checksum');
        return twenty[number]!;
      },
    };
    const app = render(<InspectApp source={broken} start={{}} size={{ columns: 80, rows: 24 }} />);
    open.push(app);
    await sleep(100);
    app.stdin.write('n');
    await sleep(100);
    expect(app.lastFrame()).toContain('fails its checksum');
    app.stdin.write('n');
    await sleep(100);
    expect(app.lastFrame()).toContain('doc-2');
  });
});
