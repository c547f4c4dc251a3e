/** Every case of datatrove's own filter tests. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type FastTextModel, readFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { languageFamily } from '../../src/filters/language.ts';
import { regexFamily } from '../../src/filters/regex.ts';
import { decide } from '../../src/filters/rule.ts';
import { inSample } from '../../src/filters/sampler.ts';
import type { SignalFamily } from '../../src/filters/signal.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { unigramFamily } from '../../src/filters/unigram.ts';
import { urlFamily } from '../../src/filters/url.ts';
import { builtInUrlLists } from '../../src/filters/url-lists.ts';
import { measureText } from '../../src/text/measure-text.ts';
import { splitOnWhitespace } from '../../src/text/words.ts';
import { sharedData } from '../io/shared-data.ts';
import { checkC4 } from './check-c4.ts';
import { expectedVerdict, type FilterCase, family, runParity, verdictOf } from './parity.ts';
import { rulesOf } from './parity-rules.ts';

let model: FastTextModel | undefined;
let unigram: SignalFamily | undefined;

runParity<FilterCase>('datatrove-filters.jsonl', 49, check);

async function check(test: FilterCase): Promise<string | undefined> {
  const { text } = test.input;
  switch (test.filter) {
    case 'gopher-repetition':
    case 'gopher-quality':
    case 'fineweb-quality':
      expect(verdictOf(family(test.filter), rulesOf(test.filter, test.params), text)).toEqual(
        expectedVerdict(test),
      );
      return;
    case 'c4-quality':
    case 'c4-paragraph':
      checkC4(test);
      return;
    case 'regex': {
      const regex = regexFamily([String(test.params.regex_exp)], 'test');
      expect(verdictOf(regex, thresholdSets.regex!, text).keep).toBe(test.expected!.keep);
      return;
    }
    case 'url-blocklist': {
      const domains = new Set(test.params.extra_domains as string[]);
      const url = urlFamily({ ...builtInUrlLists, domains });
      expect(verdictOf(url, thresholdSets.url!, text, test.input.metadata!.url!)).toEqual(
        expectedVerdict(test),
      );
      return;
    }
    case 'language-id':
      return await checkLanguage(test);
    case 'unigram-logprob':
      return checkUnigram(test);
    case 'sampler':
      for (const id of ['0', '1', '2']) {
        expect(inSample(id, Number(test.params.rate))).toBe(test.expected!.keep);
      }
      return;
    default: {
      expect(test.filter).toMatch(/^predicate/);
      const bound = Number(test.params.min_score);
      const rule = { signal: 'score', side: 'min', bound, reason: 'low_score' } as const;
      expect(decide([rule], { score: test.input.metadata!.score! })).toEqual(expectedVerdict(test));
    }
  }
  return;
}

async function checkLanguage(test: FilterCase): Promise<string | undefined> {
  const path = join(sharedData, 'models', 'lid.176.ftz');
  if (!existsSync(path)) return 'needs ../shared/data/models/lid.176.ftz';
  const lid = (model ??= await readFastText(path));
  const wanted = test.params.languages as string[];
  const language = languageFamily((text) => lid.predict(text.replaceAll('\n', ' '), 176), {
    languages: wanted,
  });
  const document = measureText(test.input.text, { math: 'plain' });
  const [label] = language.label!(document);
  expect(label).toBe(test.expected!['metadata.language']);
  const best = Math.max(...language.measure(document).subarray(0, wanted.length));
  expect(wanted.includes(label!) && best > Number(test.params.language_threshold)).toBe(test.expected!.keep);
  return;
}

/** Upstream's table is not shipped; the words of the C4 documents are a table of the same kind. */
function checkUnigram(test: FilterCase): string | undefined {
  const path = join(sharedData, 'web-text', 'c4-demo-300.jsonl');
  if (!existsSync(path)) return 'needs ../shared/data/web-text/c4-demo-300.jsonl';
  const verdict = verdictOf((unigram ??= unigramOf(path)), thresholdSets.unigram!, test.input.text);
  expect(verdict.keep).toBe(test.expected!.keep);
  return;
}

function unigramOf(path: string): SignalFamily {
  const counts = new Map<string, number>();
  for (const line of readFileSync(path, 'utf8').trim().split('\n')) {
    for (const word of splitOnWhitespace((JSON.parse(line) as { text: string }).text.toLowerCase())) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return unigramFamily(counts);
}
