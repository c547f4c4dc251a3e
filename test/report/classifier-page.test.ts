/** The page and card of a classifier's evaluation: what they say, and that hostile documents stay text (in a browser: opens-in-chromium.test.ts). */
import { describe, expect, it } from 'vitest';
import { classifierCard } from '../../src/report/classifier-card.ts';
import { classifierPage } from '../../src/report/classifier-page.ts';
import { cardText } from '../../src/report/hub-card.ts';
import { attack, evaluation, measured } from './classifier-fixture.ts';

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
});
