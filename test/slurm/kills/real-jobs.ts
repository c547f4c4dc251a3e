/** The jobs of `npm run test:slurm`: a filter over real pages with copies among them, and a mixture of real questions and texts. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../run-cli.ts';

const data = join(repository, '..', 'shared', 'data');

export const pagesAreHere = existsSync(join(data, 'html-math', 'planetmath-11'));

/**
 * 60 encyclopedia pages and a dozen others with copies of every sixth, 150 web documents, 30 of them again with a sentence added: several units
 * for every rank in every stage, and something for both dedup steps to find.
 */
export function writePages(folder: string): void {
  const pages = join(folder, 'pages');
  mkdirSync(pages);
  const copy = (from: string, name: string): void => copyFileSync(from, join(pages, name));
  const sources = ['html-math/planetmath-11', 'html-math-plain/giac-doc', 'html-other/postgresql-doc-15'];
  for (const source of sources) {
    const all = readdirSync(join(data, source)).filter((name) => name.endsWith('.html'));
    const files = all.sort().filter((_, i) => i % 2 === 0);
    files.forEach((name, i) => {
      copy(join(data, source, name), name);
      if (i % 6 === 1) copy(join(data, source, name), `again-${name}`);
    });
  }
  const lines = readFileSync(join(data, 'web-text', 'c4-demo-300.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean);
  writeFileSync(join(folder, 'web.jsonl'), lines.map((line) => `${line}\n`).join(''));
  const near = lines
    .filter((_, i) => i % 5 === 2)
    .map((line) => {
      const { text } = JSON.parse(line) as { text: string };
      return `${JSON.stringify({ text: `${text}\nRead more about it on our other pages.` })}\n`;
    });
  writeFileSync(join(folder, 'near.jsonl'), near.join(''));
  writeFileSync(
    join(folder, 'pages.yaml'),
    `name: pages
inputs: [{ path: ${pages} }, { path: ${join(folder, 'web.jsonl')} }, { path: ${join(folder, 'near.jsonl')} }]
signals: [gopher-quality, math]
math: masked
thresholds: { use: [gopher-quality-math] }
dedup: [exact, minhash]
output: { dropped: true, rowGroupBytes: 65536 }
limits: { pageUnitBytes: 65536, unitBytes: 32768 }
`,
  );
}

/** Questions with answers in eight files, web texts in four and generated chains, with a tokenizer that is trained on the way. */
export function writeMixture(folder: string): void {
  const split = (from: string, name: string, parts: number): string => {
    const to = join(folder, name);
    mkdirSync(to);
    const lines = readFileSync(join(data, from), 'utf8').split('\n').filter(Boolean);
    for (let part = 0; part < parts; part++) {
      const own = lines.filter((_, i) => i % parts === part);
      writeFileSync(join(to, `part-${part}.jsonl`), own.map((line) => `${line}\n`).join(''));
    }
    return to;
  };
  const web = split('web-text/c4-demo-300.jsonl', 'web', 4);
  const questions = split('math-qa/gsm8k-train.jsonl', 'questions', 8);
  writeFileSync(
    join(folder, 'mixture.yaml'),
    `name: real
tokenizer: { train: { vocabSize: 1024, preTokenizer: digits, specialTokens: ['<|endoftext|>'] } }
budget: 2M
sequenceLength: 127
heldout: 0.05
seed: 1
repeatLimit: 8
fill: web
sources:
  web: { role: web, data: ${web}, template: text }
  gsm8k: { card: gsm8k, data: ${questions}, weight: 0.3 }
  made: { role: long-cot, data: { generator: arithmetic, kind: long-cot, count: 4000, seed: 5 }, weight: 0.1 }
`,
  );
}

export const filterWords = (folder: string, out: string): string[] => [
  'filter',
  join(folder, 'pages.yaml'),
  '--out',
  join(folder, out),
];

export const mixWords = (folder: string, out: string): string[] => [
  'mix',
  join(folder, 'mixture.yaml'),
  '--out',
  join(folder, out),
];
