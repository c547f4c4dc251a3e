/** Where the time of `cascade` goes: nanoseconds per byte of each part, alone on documents whose other parts are made already. */
import { maskPii } from '../../src/filters/mask-pii.ts';
import { maskMath } from '../../src/text/mask-math.ts';
import { findMathSpans } from '../../src/text/math-spans.ts';
import { type MeasuredText, measureText } from '../../src/text/measure-text.ts';
import { Ngrams } from '../../src/text/ngrams.ts';
import { tokenise } from '../../src/text/words.ts';
import { cascade } from './cascade.ts';
import { median } from './report.ts';

const rounds = 9;

export function profileCascade(texts: readonly string[]): void {
  const sample = texts.slice(0, 1000);
  const bytes = sample.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const ready = sample.map((text) => {
    const document = measureText(text, { math: 'masked' });
    void [
      document.wordCounts,
      document.lines,
      document.filledLines,
      document.paragraphs,
      document.characters,
    ];
    return document;
  });
  let sink = 0;
  const ngrams = (document: MeasuredText): void => {
    const grams = new Ngrams(document.tokens);
    for (const n of [2, 3, 4]) sink += grams.topCharacters(n);
    for (const n of [5, 6, 7, 8, 9, 10]) sink += grams.duplicatedCharacters(n);
  };
  const parts: [string, (document: MeasuredText) => void][] = [
    ['find and mask formulas', ({ text }) => (sink += maskMath(text, findMathSpans(text)).length)],
    ['words', ({ measured }) => (sink += tokenise(measured).ids.length)],
    ['n-grams 2 to 10', ngrams],
    [
      'lines, paragraphs, length',
      ({ measured }) => {
        const document = measureText(measured, { math: 'plain' });
        sink += document.filledLines.length + document.paragraphs.length + document.characters;
      },
    ],
    ...cascade.map((family): [string, (document: MeasuredText) => void] => [
      family.name,
      (document) => (sink += family.measure(document)[0]!),
    ]),
    ['mask PII', ({ text }) => (sink += maskPii(text).text.length)],
  ];
  const times = parts.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    parts.forEach(([, work], part) => {
      const before = process.cpuUsage();
      for (const document of ready) work(document);
      const used = process.cpuUsage(before);
      times[part]!.push((1000 * (used.user + used.system)) / bytes);
    });
  }
  // n-grams are measured with gopher-repetition, too.
  const figures = parts.map(([name], part) => ({ name, ns: median(times[part]!) }));
  const grams = figures.find(({ name }) => name.startsWith('n-grams'))!.ns;
  for (const figure of figures)
    if (figure.name === 'gopher-repetition') figure.ns = Math.max(0, figure.ns - grams);
  const sum = figures.reduce((total, { ns }) => total + ns, 0);
  for (const { name, ns } of figures) {
    console.log(
      `${name.padEnd(28)} ${ns.toFixed(1).padStart(6)} ns/byte ${((100 * ns) / sum).toFixed(0).padStart(4)} %`,
    );
  }
  console.log(`${'sum'.padEnd(28)} ${sum.toFixed(1).padStart(6)} ns/byte, ${(1000 / sum).toFixed(1)} MB/s`);
}
