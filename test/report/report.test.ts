import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/core/record.ts';
import { renderReport } from '../../src/report/report.ts';
import type { ReportRun } from '../../src/report/report-run.ts';
import { dangers, payload } from './dangers.ts';
import { filterRun, grpoRun, mixRun, record, severalArms, trainRun, wholeWay } from './make-run-records.ts';

const parsed = new Map<string, Document>();
/** Parsed once per page: it takes longer than making the page. */
function dom(page: string): Document {
  let document = parsed.get(page);
  if (document === undefined) parsed.set(page, (document = parseHTML(page).document as unknown as Document));
  return document;
}

const text = (page: string): string => (dom(page).body.textContent ?? '').replace(/\s+/g, ' ');

/** The run with every text of its record, metrics and rollouts made hostile; only what a schema restricts is left. */
function hostile(run: ReportRun): ReportRun {
  const fixed = new Set(['command', 'status', 'evidence', 'role', 'phase', 'side']);
  const keyed = ['dropped', 'failed', 'examples', 'config', 'versions', 'device', 'signals'];
  const poison = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') return fixed.has(key) ? value : `${payload}${value}`;
    if (Array.isArray(value)) return value.map((v) => poison(v, key));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([k, v]) => [
        keyed.includes(key) && k !== 'kept' ? `${payload}${k}` : k,
        poison(v, k),
      ]),
    );
  };
  return {
    ...run,
    record: { ...(poison(run.record) as RunRecord), parents: run.record.parents },
    ...(run.rollouts === undefined
      ? {}
      : { rollouts: poison(run.rollouts) as NonNullable<ReportRun['rollouts']> }),
    folder: payload,
    metrics: run.metrics.map((row) => ({
      ...row,
      ...(row.phase === undefined ? {} : { phase: `${payload}${row.phase}` }),
      ...(row.eval_loss === undefined ? {} : { [`eval_loss/${payload}`]: 1 }),
    })),
  };
}

describe('a report of the whole way', async () => {
  const { html, markdown, data } = await renderReport(wholeWay(), {
    title: 'The <demo>',
    command: 'midtrain report runs/demo',
  });
  const words = text(html);

  it('says in one sentence what it shows, and the key numbers', () => {
    expect(data.headline.sentence).toBe(
      'This page shows how 5,272 pages were filtered, what was mixed into 2.05 M tokens, how a model trained on it (stable, then decay), and what reinforcement learning made of it.',
    );
    expect(data.headline.numbers.map((n) => [n.label, n.value])).toEqual([
      ['Pages kept', '41.0 %'],
      ['Tokens mixed', '2.05 M'],
      ['Held-out loss', '6.412 → 1.704'],
      ['Accuracy over RL', '20.0 % → 59.7 %'],
      ['Stability', 'no collapse seen'],
    ]);
    expect(words).toContain('The <demo>');
  });

  it('shows reasons, thresholds, sources, phases, signatures, rollouts and settings', () => {
    for (const part of [
      'low_math',
      'at least 0.02',
      'row group 4',
      'inside the band',
      'recalled',
      'Held-out loss by source',
      'decay →',
      'Truncated responses',
      'No collapse seen in 21 evaluations.',
      'Question: What is',
      "midtrain filter 'pipelines/math web.yaml' --workers 2",
      'midtrain report runs/demo',
      'webgpu 0.6.2',
      'llvmpipe',
    ]) {
      expect(words, part).toContain(part);
    }
  });

  it('gives every picture a name, a description and its numbers as a table', () => {
    const document = dom(html);
    const pictures = [...document.querySelectorAll('svg[role=img]')];
    expect(pictures.length).toBeGreaterThan(20);
    for (const svg of pictures) {
      expect(svg.getAttribute('aria-label')!.length).toBeGreaterThan(10);
      expect(svg.querySelector('desc')).not.toBeNull();
    }
    for (const figure of document.querySelectorAll('figure.chart')) {
      const drawn =
        figure.querySelector('svg[role=img]') !== null && !figure.classList.contains('flow-figure');
      if (drawn)
        expect(
          figure.querySelector('details.data table'),
          figure.querySelector('h4')?.textContent ?? '',
        ).not.toBeNull();
    }
  });

  it('has no script, fetches nothing, and forbids both in its head', () => {
    expect(dangers(dom(html))).toEqual([]);
    const policy = dom(html)
      .querySelector('meta[http-equiv=Content-Security-Policy]')!
      .getAttribute('content');
    expect(policy).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
    );
    expect(html.match(/https?:\/\/(?!example\.org|www\.w3\.org\/)[^"<\s]*/g)).toBeNull();
  });

  it('is well below five megabytes', () => {
    expect(html.length).toBeLessThan(1_000_000);
  });

  it('is the same, byte for byte, when made again', async () => {
    const again = await renderReport(wholeWay(), {
      title: 'The <demo>',
      command: 'midtrain report runs/demo',
    });
    expect(again.html === html).toBe(true);
    expect(again.markdown === markdown).toBe(true);
  });

  it('has unique ids, and every link in it leads somewhere', () => {
    const document = dom(html);
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const a of document.querySelectorAll('a')) expect(ids).toContain(a.getAttribute('href')!.slice(1));
  });

  it('says the same in Markdown', () => {
    expect(markdown.split('\n')[0]).toBe('# The &lt;demo&gt;');
    for (const part of [
      '| low\\_math | 1,380 | 26.2 % |',
      '| marco-o1 | long-cot | 0.15 | recalled |',
      'No collapse seen in 21 evaluations',
      '▁',
    ]) {
      expect(markdown).toContain(part);
    }
  });
});

describe('a report of several arms', async () => {
  const { html, data } = await renderReport(severalArms());
  const words = text(html);

  it('says which run collapsed, how and when', () => {
    expect(data.grpos.map((g) => [g.run.label, g.collapsed])).toEqual([
      ['hybrid seed 1', false],
      ['hybrid seed 2', false],
      ['hybrid seed 3', false],
      ['long, simple template', true],
    ]);
    expect(data.grpos[3]!.verdict).toBe(
      'Length running away at step 76, accuracy collapsed at step 78, responses cut off at step 81, length saturated at step 87, responses stuck in repetition at step 100.',
    );
    expect(words).toContain('1 of 4');
  });

  it('shows what differs between the arms and nothing that does not', () => {
    const heading = [...dom(html).querySelectorAll('h3')].find(
      (h) => h.textContent === 'What differs between the grpo runs',
    )!;
    const settings = [...heading.nextElementSibling!.querySelectorAll('tbody th')].map(
      (th) => th.textContent,
    );
    expect(settings).toEqual(['seed', 'template']);
  });

  it('tells the runs apart by colour and dash in every legend', () => {
    const legend = [...dom(html).querySelectorAll('figure')]
      .find((f) => f.querySelector('h4')?.textContent === 'Reward')!
      .querySelector('.legend')!;
    const looks = [...legend.querySelectorAll('line')].map(
      (l) => `${l.getAttribute('stroke')} ${l.getAttribute('stroke-dasharray')}`,
    );
    expect(new Set(looks).size).toBe(4);
  });
});

describe('a report of hostile records', async () => {
  const runs = wholeWay().map(hostile);
  const { html, markdown } = await renderReport(runs, { title: payload, command: payload });

  it('contains the texts and nothing that runs, loads or breaks out', () => {
    expect(dangers(dom(html))).toEqual([]);
    expect(text(html)).toContain("<script>document.title='pwned'</script>");
    expect(html).not.toMatch(/<script|<img|\u0000|\u202e/);
  });

  it('has the same elements as the report of harmless ones', async () => {
    const count = (page: string): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const element of dom(page).querySelectorAll(
        'h1,h2,h3,section,figure,table,pre,article,dl,nav,style,title',
      )) {
        counts[element.localName] = (counts[element.localName] ?? 0) + 1;
      }
      return counts;
    };
    const benign = await renderReport(
      wholeWay().map((run) => ({
        ...run,
        metrics: run.metrics.map((row) => ({
          ...row,
          ...(row.eval_loss === undefined ? {} : { 'eval_loss/x': 1 }),
        })),
      })),
      { title: 't', command: 'c' },
    );
    expect(count(html)).toEqual(count(benign.html));
  });

  it('keeps Markdown free of markup: no raw tags outside code blocks, no links', () => {
    const outside = markdown.replace(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, '');
    expect(outside).not.toMatch(/<(script|img)/);
    expect(outside).not.toMatch(/(?<!\\)\]\(/);
    expect(outside.split('\n').filter((line) => /^# /.test(line))).toHaveLength(1);
  });
});

describe('a report with pieces missing', () => {
  it('leaves them out and says so', async () => {
    const { html, data } = await renderReport([filterRun(), mixRun()]);
    expect(data.missing).toEqual([
      'No run of training, reinforcement learning was given, so that part is not shown.',
    ]);
    expect(dom(html).querySelector('#train')).toBeNull();
    expect(dom(html).querySelector('#grpo')).toBeNull();
    expect(text(html)).toContain('No run of training, reinforcement learning was given');
  });

  it('is titled by what it leads from and to', async () => {
    const title = async (runs: ReportRun[]): Promise<string> => (await renderReport(runs)).data.title;
    expect(await title(wholeWay())).toBe('From pages to reward');
    expect(await title([filterRun(), mixRun()])).toBe('From pages to mixture');
    expect(await title([grpoRun({ id: '/a' }), grpoRun({ id: '/b' })])).toBe('2 grpo runs side by side');
    expect(await title([mixRun()])).toBe('Run decay long 30 %');
  });

  it('draws a band from pages to mixture only where the mixture names the pages as its parent', async () => {
    const joined = 'kept pages, as tokens of the web sources';
    expect((await renderReport([filterRun(), mixRun()])).html).toContain(joined);
    const apart = (await renderReport([filterRun(), mixRun('/runs/mix', [])])).html;
    expect(apart).not.toContain(joined);
    expect(text(apart)).toContain('the records do not say that one was made from the other');
  });

  it('shows the signals first whose thresholds decide most', async () => {
    const { html } = await renderReport([filterRun()]);
    const titles = [...dom(html).querySelectorAll('#filter figure h4')].map((h) => h.textContent);
    expect(titles).toEqual([
      'math.density',
      'gopher.words',
      'fineweb.char_dup_ratio',
      'gopher.mean_word_length',
    ]);
  });

  it('works for a single run of each kind, also one that has just begun', async () => {
    for (const run of [filterRun(), mixRun(), trainRun('stable'), grpoRun()]) {
      const begun = {
        ...run,
        metrics: [],
        rollouts: [],
        record: { ...run.record, status: 'running' as const, summary: {} },
      };
      for (const one of [run, begun]) {
        const { html } = await renderReport([one]);
        expect(text(html)).toContain(one.record.name);
        expect(html).not.toMatch(/NaN|undefined|Infinity/);
      }
      const { data } = await renderReport([begun]);
      expect(data.missing.join()).toContain('is running: its numbers are those written so far');
    }
  });

  it('leaves out a malformed piece of a summary, notes it, and shows the rest', async () => {
    const run = filterRun();
    const signals = {
      ...(run.record.summary.signals as object),
      'math.density': { histogram: { edges: [0], counts: [1], keptCounts: [1] } },
    };
    const broken = {
      ...run,
      record: { ...run.record, summary: { ...run.record.summary, signals, failures: 'none' } },
    };
    const { data, html } = await renderReport([broken]);
    expect(data.filters[0]!.notes).toHaveLength(2);
    expect(data.filters[0]!.signals.map((s) => s.name)).not.toContain('math.density');
    expect(text(html)).toContain('summary.failures in run.json has another shape than expected');
    expect(text(html)).toContain('low_math');
  });

  it('says when a ledger does not balance', async () => {
    const run = filterRun();
    const ledger = { in: 10, kept: 5, dropped: { a: 4 }, failed: {} };
    const { data } = await renderReport([{ ...run, record: { ...run.record, summary: { ledger } } }]);
    expect(data.filters[0]!.notes).toEqual(['the ledger does not balance: 1 documents are unaccounted for']);
  });

  it('shows commands it has no charts for by their record', async () => {
    const run = {
      id: '/runs/eval',
      record: record({ command: 'eval', name: 'gsm8k greedy', config: { k: 1 }, summary: {} }),
      metrics: [],
    };
    const { html, data } = await renderReport([run]);
    expect(data.missing[0]).toContain('gsm8k greedy (eval)');
    expect(text(html)).toContain('"k": 1');
  });

  it('refuses to report on nothing', async () => {
    await expect(renderReport([])).rejects.toThrow('a report needs at least one run');
  });
});

describe('RL runs without evaluations', () => {
  it('are judged by the length of all sampled responses, and the page says so', async () => {
    const run = grpoRun({ collapse: true });
    const metrics = run.metrics.filter((row) => row.eval_accuracy === undefined);
    const { data, html } = await renderReport([{ ...run, metrics }]);
    const states = Object.fromEntries(data.grpos[0]!.signatures.map((s) => [s.signature, s.state]));
    expect(states).toMatchObject({ length_saturation: 'fired', accuracy_collapse: 'not-checked' });
    expect(text(html)).toContain('mean length of all sampled responses at each logged step');
  });

  it('use the length of correct responses where it is logged', async () => {
    const run = grpoRun({ collapse: true });
    const metrics = run.metrics.map((row) =>
      row.eval_accuracy === undefined ? row : { ...row, 'eval_completions/mean_correct_length': 12 },
    );
    const { data } = await renderReport([{ ...run, metrics }]);
    const saturation = data.grpos[0]!.signatures.find((s) => s.signature === 'length_saturation');
    expect(saturation).toMatchObject({ state: 'clear' });
  });
});
