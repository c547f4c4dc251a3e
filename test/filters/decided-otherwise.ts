/**
 * Cases of ../shared/parity that this project answers otherwise on purpose. The parity tests hold the list both ways: a case that is
 * not here must pass, and one that is here must not.
 */
export interface Decision {
  /** What midtrain does. */
  here: string;
  why: string;
}

const noSegmenter: Decision = {
  here: 'Chinese and Japanese text without spaces is one word',
  why: 'word counts follow the blank English tokenizer; there is no Chinese or Japanese word splitter to depend on',
};
const noAggregate: Decision = {
  here: 'every document has its statistics as columns of signals/*.parquet, and histograms per signal',
  why: 'sums, means and groups by host are one query over these columns; a second store of aggregates would have to be kept in step',
};
const emptyText: Decision = {
  here: 'a document without text is dropped as empty_text before any family sees it',
  why: 'the filter divides by zero',
};
const shingles: Decision = {
  here: "shingles are datatrove's: none for a document of fewer than n words, no other minimum",
  why: "signatures equal datatrove's golden ones, which text-dedup's do not",
};

export const decidedOtherwise: Readonly<Record<string, Decision>> = {
  'gq-empty-no-min': emptyText,
  'gr-empty': emptyText,
  'nemo-wordcount_zh': noSegmenter,
  'nemo-wordcount_ja': noSegmenter,
  'datamap-rep-01': {
    here: 'a share over nothing is no number (NaN) and fails no rule',
    why: 'datamap-rs calls an empty list wholly repeated, to drop empty documents; here these are empty_text',
  },
  contamination: {
    here: 'no statistic for the share of given words; the regex family says whether they occur',
    why: 'nobody has asked for it; a share of words is one more column whose meaning depends on a setting',
  },
  grouping: noAggregate,
  welford: noAggregate,
  'textdedup-ngrams-3': shingles,
  'textdedup-ngrams-4': shingles,
};

/** Reasons that are no identifiers where they come from -> what they are called here. */
export const renamedReasons: Readonly<Record<string, string>> = {
  '< 3 paragraphs': 'too_few_paragraphs',
};
