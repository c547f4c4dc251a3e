/** A pipeline as the stages take it: names checked, presets filled in, rules in order. Plain JSON, so it can be hashed and sent to workers. */
import type { MinHashConfig } from '../dedup/minhash-config.ts';
import type { Rule } from '../filters/rule.ts';
import type { Priority } from './filter-config.ts';
import type { TransformName } from './transform-text.ts';

export interface DedupStep {
  name: 'exact' | 'url' | 'minhash';
  keep: Priority;
  minhash?: MinHashConfig;
}

export interface ClassifierStep {
  name: string;
  kind: 'fasttext';
  model: string;
  label: string;
  newline: 'space' | 'remove';
  gated: boolean;
}

export interface ResolvedFilter {
  families: string[];
  math: 'masked' | 'plain';
  maskReport: boolean;
  language: { model: string; languages: string[] };
  urlLists: string | null;
  badWords: { list: string; anywhere: boolean } | null;
  unigramCounts: string | null;
  patterns: string[];
  classifiers: ClassifierStep[];
  decontaminate: {
    ngram: number;
    numbers: 'exact' | 'same';
    action: 'drop' | 'mark';
    benchmarks: { card: string; path: string }[];
  } | null;
  rules: Rule[];
  dedup: DedupStep[];
  transform: TransformName[];
  tokenizer: string | null;
  rowGroupBytes: number;
  dropped: boolean;
  keepHtml: boolean | null;
}
