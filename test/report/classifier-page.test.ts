/** The page and card of a classifier's evaluation: what they say, and that hostile documents stay text, in a real browser too. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClassifierEvaluation, MeasuredSet, SweepPoint } from '../../src/core/classifier-evaluation.ts';
import { classifierCard } from '../../src/report/classifier-card.ts';
import { classifierPage } from '../../src/report/classifier-page.ts';
import { cardText } from '../../src/report/hub-card.ts';
import { findBrowser, openAll } from './chromium.ts';

const attack = `<img src="http://127.0.0.1:9/x" onerror="document.title='pwned'"><script>document.title='pwned'</script></pre>\u202e| # x`;

const point = (threshold: number): SweepPoint => ({
  threshold,
  tp: 80,
  fp: 20,
  fn: 10,
  tn: 190,
  precision: 0.8,
  recall: 0.8889,
  f1: 0.8421,
  negativePrecision: 0.95,
  negativeRecall: 0.9048,
  negativeF1: 0.9268,
  macroF1: 0.8845,
  accuracy: 0.9,
  keptDocuments: 1 / 3,
  keptTokens: 0.4,
});

function measured(distribution: MeasuredSet['distribution'], more: Partial<MeasuredSet> = {}): MeasuredSet {
  return {
    distribution,
    documents: 300,
    positives: 90,
    tokens: 30_000,
    rocAuc: 0.9876,
    averagePrecision: 0.9765,
    chosen: point(0.4),
    sweep: Array.from({ length: 11 }, (_, i) => ({
      ...point(i / 10),
      ...(i === 10 ? { precision: null } : {}),
    })),
    curve: [
      { threshold: 0.9, recall: 0.5, precision: 1 },
      { threshold: 0.4, recall: 1, precision: 0.6 },
    ],
    bins: [
      { from: 0, to: 0.5, documents: 200, meanScore: 0.1, observed: 0.05 },
      { from: 0.5, to: 1, documents: 100, meanScore: 0.9, observed: 0.8 },
    ],
    expectedCalibrationError: 0.0667,
    brier: 0.07,
    histogram: { edges: [0, 0.5, 1], positives: [10, 80], negatives: [190, 20] },
    regression: null,
    ...more,
  };
}

function evaluation(hostile = ''): ClassifierEvaluation {
  const interval = { value: 0.8889, low: 0.807, high: 0.9389 };
  return {
    version: 1,
    classifier: {
      name: `math${hostile}`,
      kind: 'fasttext',
      label: `positive${hostile}`,
      sha256: 'a'.repeat(64),
    },
    positiveMin: 3,
    threshold: { value: 0.4, by: 'given' },
    data: {
      files: [{ path: `/data/labels${hostile}.parquet`, bytes: 1234, fingerprint: 'f00d' }],
      documents: 320,
      left: { trained_on: 20 },
      tokens: 'UTF-8 bytes / 4',
    },
    sets: [measured('all'), measured('in'), measured('out')],
    sources: [
      {
        source: `planetmath${hostile}`,
        distribution: 'out',
        documents: 90,
        positives: 90,
        tokens: 9000,
        tp: 80,
        fp: 0,
        fn: 10,
        tn: 0,
        precision: null,
        recall: interval,
        accuracy: interval,
        f1: 0.94,
        meanScore: 0.7,
      },
    ],
    worst: {
      falsePositives: [
        {
          id: `d1${hostile}`,
          source: `c4${hostile}`,
          url: `http://a/${hostile}`,
          score: 0.99,
          excerpt: `buy ${hostile}`,
        },
      ],
      falseNegatives: [],
    },
    warnings: [`only 300 documents${hostile}`],
    versions: { midtrain: '0.1.0' },
  };
}

describe('the page of an evaluation', () => {
  it('has the measures of each set, curves with their numbers, sources with intervals and the worst errors', () => {
    const page = classifierPage(evaluation());
    for (const text of [
      'from a score of 0.4 on it finds 88.9 % of the positives out of distribution',
      'in distribution',
      'Precision over recall',
      'Precision, recall and F1, out of distribution',
      'What is kept',
      'Share of positives by score',
      '80.7 % to 93.9 %',
      'buy',
      '20 trained_on',
      '0.9876',
    ])
      expect(page).toContain(text);
    expect(page.match(/<svg role="img"/g)!.length).toBeGreaterThanOrEqual(7);
    expect(page).not.toContain('NaN');
    expect(page).not.toContain('undefined');
  });

  it('of a regressor shows agreement with annotated scores instead of probabilities', () => {
    const regression = {
      documents: 300,
      meanAbsoluteError: 0.61,
      meanSquaredError: 0.5,
      spearman: 0.82,
      intScoreMacroF1: 0.47,
      intScoreAccuracy: 0.6,
    };
    const base = evaluation();
    const none = { expectedCalibrationError: null, brier: null, regression };
    const page = classifierPage({
      ...base,
      classifier: { ...base.classifier, kind: 'regressor', label: null },
      sets: [measured('all', none)],
    });
    expect(page).toContain('int_score macro F1');
    expect(page).toContain('Annotated score by score');
    expect(page).not.toContain('Brier');
  });

  it('is drawn for one class, without positives', () => {
    const base = evaluation();
    const bare = { rocAuc: null, averagePrecision: null, curve: [], positives: 0 };
    const page = classifierPage({ ...base, sets: [measured('all', bare)], sources: [] });
    expect(page).not.toContain('NaN');
    expect(page).not.toContain('Precision over recall');
  });

  it('and its card keep hostile documents, sources and paths text', () => {
    const page = classifierPage(evaluation(attack));
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<script');
    expect(page).not.toContain('\u202e');
    const card = cardText(
      classifierCard({
        name: `math${attack}`,
        kind: 'fasttext',
        label: 'positive',
        prepare: 'megamath',
        unit: 'document',
        encoder: undefined,
        sha256: 'a'.repeat(64),
        threshold: 0.4,
        positiveMin: 3,
        seed: 0,
        settings: { dim: 256, lr: 0.1 },
        train: { positive: 10, negative: 20 },
        duplicates: { positive: 1, negative: 0 },
        conflicts: { positive: 0, negative: 0 },
        sources: [{ source: `site${attack}`, positive: 10, negative: 20 }],
        files: [{ path: '/data/labels.parquet', fingerprint: 'f00d' }],
        evaluation: evaluation(attack),
        licence: { license: 'unknown', why: 'no source says' },
        version: '0.1.0',
      }),
    );
    const body = card.slice(card.indexOf('\n---\n', 4));
    expect(body.replace(/```[\s\S]*?```/g, '')).not.toMatch(/<img|<script/);
    expect(card).toContain('pipeline_tag: text-classification');
    expect(card).toContain('dim 256, lr 0.1');
  });

  it('opens in Chromium without a message or a request, and nothing hostile runs', async (context) => {
    const browser = findBrowser();
    if (browser === undefined) return context.skip('no Chromium or Chrome on this machine (set CHROME_PATH)');
    const folder = mkdtempSync(join(tmpdir(), 'classifier-page-'));
    const file = join(folder, 'evaluation.html');
    writeFileSync(file, classifierPage(evaluation(attack)));
    const [opened] = await openAll(browser, [file]);
    rmSync(folder, { recursive: true, force: true });
    expect(opened!.requests.filter((url) => url !== 'data:,')).toEqual([]);
    expect(opened!.messages).toEqual([]);
    expect(opened!.title).toContain('Evaluation of math<img');
    expect(opened!.text).toContain('Worst errors');
  }, 60_000);
});
