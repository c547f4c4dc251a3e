/** The journal: what was answered is found again, after every kind of end, and nothing else is. */
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Budget } from '../../classifiers/judge/budget.ts';
import type { ChatAnswer } from '../../classifiers/judge/chat-types.ts';
import { Journal, requestKey } from '../../classifiers/judge/journal.ts';
import { scratchFolder } from '../io/scratch.ts';

const folder = scratchFolder();
let made = 0;
const fresh = (): string => join(folder, `${made++}`, 'journal.jsonl');
const answer = (content: string, tokens = 5): ChatAnswer => ({
  content,
  finish: 'stop',
  usage: { prompt_tokens: 10, completion_tokens: tokens },
});
const most = { prompt_tokens: 20, completion_tokens: 50 };
const settings = { model: 'm', promptHash: 'a' };

async function withJournal<T>(
  path: string,
  work: (journal: Journal) => T | Promise<T>,
  by: unknown = settings,
) {
  const journal = Journal.open(path, by);
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}

describe('the journal', () => {
  test('gives answers back, in this run and the next, of any length', async () => {
    const path = fresh();
    const long = `${'π'.repeat(1_500_000)}\n"\\`;
    await withJournal(path, async (journal) => {
      journal.asked('k1', most);
      await journal.write('k1', 'd1', answer('short'));
      await Promise.all([journal.write('k2', 'd2', answer(long)), journal.write('k3', 'd3', answer(''))]);
      expect(journal.get('k2')).toEqual(answer(long));
    });
    await withJournal(path, (journal) => {
      expect(journal.found).toMatchObject({ answers: 3, underWay: 0, lost: 0, damaged: 0, otherSettings: 0 });
      expect(journal.found.usage).toEqual({ prompt_tokens: 30, completion_tokens: 15 });
      expect([journal.get('k1'), journal.get('k2'), journal.get('k3'), journal.get('k4')]).toEqual([
        answer('short'),
        answer(long),
        answer(''),
        undefined,
      ]);
    });
  });

  test('keeps the whole lines of a file that was cut anywhere, and can be written again', async () => {
    const path = fresh();
    await withJournal(path, async (journal) => {
      for (const key of ['k1', 'k2']) {
        journal.asked(key, most);
        await journal.write(key, key, answer(`answer to ${key}`));
      }
    });
    const whole = readFileSync(path);
    const cut = fresh();
    await withJournal(cut, () => {});
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(cut, whole.subarray(0, length));
      const lines = whole.toString('utf8', 0, length).split('\n').slice(0, -1);
      const has = (key: string): boolean => lines.some((line) => line.startsWith(`{"key":"${key}"`));
      const journal = Journal.open(cut, settings);
      expect([journal.has('k1'), journal.has('k2')]).toEqual([has('k1'), has('k2')]);
      expect(journal.found.damaged).toBe(0);
      journal.asked('k9', most);
      await journal.close();
      const again = Journal.peek(cut, settings)!;
      expect(again.found).toMatchObject({
        damaged: 0,
        answers: lines.filter((line) => line.includes('"key"')).length,
      });
      expect(again.found.underWay).toBeGreaterThan(0);
      await again.close();
    }
  });

  test('counts a damaged line in the middle, and goes on behind it', async () => {
    const path = fresh();
    await withJournal(path, (journal) => journal.write('k1', 'd', answer('a')));
    appendFileSync(path, `{"key":"k2","id":"d","ans\n{"what":1}\n\u0000\u0000\n`);
    await withJournal(path, (journal) => journal.write('k3', 'd', answer('c')));
    await withJournal(path, (journal) => {
      expect(journal.found).toMatchObject({ answers: 2, damaged: 3 });
      expect(journal.get('k3')).toEqual(answer('c'));
    });
  });

  test('knows what was under way when its process died, and what was lost', async () => {
    const path = fresh();
    await withJournal(path, async (journal) => {
      journal.asked('turned away', most);
      journal.back('turned away');
      journal.asked('lost', most);
      journal.lost('lost', most);
      journal.asked('lost', most); // the next try
      journal.asked('answered', most);
      await journal.write('answered', 'd', answer('a'));
      journal.asked('under way', most);
    });
    await withJournal(path, (journal) => {
      expect(journal.found).toMatchObject({ underWay: 2, lost: 1, answers: 1 });
      expect(journal.found.lostMost).toEqual({ prompt_tokens: 60, completion_tokens: 150 });
      journal.asked('under way', most); // dies again
    });
    await withJournal(path, (journal) => expect(journal.found).toMatchObject({ underWay: 2, lost: 2 }));
  });

  test('counts answers that were asked for with other settings', async () => {
    const path = fresh();
    await withJournal(path, (journal) => journal.write('k1', 'd', answer('a')));
    const other = { ...settings, promptHash: 'b' };
    await withJournal(path, (journal) => journal.write('k2', 'd', answer('b')), other);
    await withJournal(path, (journal) => expect(journal.found.otherSettings).toBe(1), other);
    await withJournal(path, (journal) =>
      expect(journal.found).toMatchObject({ answers: 2, otherSettings: 1 }),
    );
  });

  test('is not made or changed by a look at it', async () => {
    const path = fresh();
    expect(Journal.peek(path, settings)).toBeUndefined();
    expect(existsSync(path)).toBe(false);
    await withJournal(path, (journal) => journal.write('k1', 'd', answer('a')));
    truncateSync(path, readFileSync(path).length - 1);
    const before = readFileSync(path);
    const journal = Journal.peek(path, { other: true })!;
    expect(journal.has('k1')).toBe(false);
    await journal.close();
    expect(readFileSync(path)).toEqual(before);
  });

  test('has a key of its own for each document, model, sampling and conversation', () => {
    const ask = [{ role: 'user', content: 'x' }] as const;
    const sampling = { maxTokens: 5, temperature: 0 };
    const keys = [
      requestKey('a', 'm', sampling, ask),
      requestKey('b', 'm', sampling, ask),
      requestKey('a', 'n', sampling, ask),
      requestKey('a', 'm', { ...sampling, temperature: 1 }, ask),
      requestKey('a', 'm', { ...sampling, extraBody: { min_p: 0.1 } }, ask),
      requestKey('a', 'm', sampling, [{ role: 'user', content: 'y' }]),
      requestKey('a', 'm', sampling, [{ role: 'system', content: 'x' }]),
      requestKey('a', 'm', sampling, [...ask, ...ask]),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(requestKey('a', 'm', { ...sampling }, [{ role: 'user', content: 'x' }])).toBe(keys[0]);
  });
});

describe('a budget', () => {
  const usage = { prompt_tokens: 100, completion_tokens: 50 };

  test('counts what was paid, what is under way, and what was lost', () => {
    const budget = new Budget({ tokens: 1000 }, 1, usage, usage); // 300 gone
    const one = { prompt_tokens: 200, completion_tokens: 100 };
    expect(budget.reserve(one)).toBe(true); // 600
    expect(budget.reserve(one)).toBe(true); // 900
    expect(budget.reserve(one)).toBe(false);
    budget.settle(one, usage, 200); // 750
    expect(budget.reserve(one)).toBe(false);
    budget.release(one); // 450
    expect(budget.reserve(one)).toBe(true); // 750
    budget.lose(one); // 750
    expect(budget.reserve(one)).toBe(false);
    expect(budget.reserve({ prompt_tokens: 250, completion_tokens: 0 })).toBe(true); // 1000
    expect(budget.reserve({ prompt_tokens: 1, completion_tokens: 0 })).toBe(false);
  });

  test('in dollars goes by the prices', () => {
    const budget = new Budget({ usd: 0.001, prices: { input: 1, output: 4 } }, 1);
    expect(budget.reserve({ prompt_tokens: 600, completion_tokens: 100 })).toBe(true); // 0.001
    expect(budget.reserve({ prompt_tokens: 1, completion_tokens: 0 })).toBe(false);
  });

  test('without bounds lets everything through', () => {
    expect(new Budget({}).reserve({ prompt_tokens: 1e12, completion_tokens: 1e12 })).toBe(true);
  });

  test('learns by how much its estimates are wrong', () => {
    const budget = new Budget({}, 2);
    expect(budget.mostOf(100, 50)).toEqual({ prompt_tokens: 216, completion_tokens: 50 });
    const most = budget.mostOf(100, 50);
    budget.reserve(most);
    budget.settle(most, { prompt_tokens: 100, completion_tokens: 1 }, 100);
    expect(budget.mostOf(1000, 0).prompt_tokens).toBe(1116); // one to one, and a tenth
    budget.reserve(most);
    budget.settle(most, { prompt_tokens: 300, completion_tokens: 1 }, 100);
    expect(budget.mostOf(1000, 0).prompt_tokens).toBe(3317);
    budget.reserve(most);
    budget.settle(most, { prompt_tokens: 100, completion_tokens: 1 }, 100);
    expect(budget.mostOf(1000, 0).prompt_tokens).toBe(3317);
  });
});
