/** Checks a second of the answer checker on one core, by kind of answer. Run: node test/bench/grader.ts */
import { answersEqual, gradeAnswer } from '../../src/grader/grade-answer.ts';

const rows: [string, number, (i: number) => unknown][] = [
  ['plain numbers', 200_000, (i) => answersEqual(String(i), `${i}.0`)],
  ['boxed number in a completion', 40_000, (i) => gradeAnswer(`So it is \\boxed{${i}}.`, String(i))],
  ['number said in a completion', 40_000, (i) => gradeAnswer(`So the answer is ${i}.`, String(i))],
  ['fractions', 10_000, (i) => answersEqual(`\\frac{${i + 1}}{${i + 2}}`, `${i + 1}/${i + 2}`)],
  ['sets of three', 4000, (i) => answersEqual(`\\{${i}, 1/2, \\sqrt{3}\\}`, `0.5, \\sqrt3, ${i}`)],
  ['identities', 2000, (i) => answersEqual(`\\sin^2 x + ${i}x`, `1 - \\cos^2 x + ${i}x`)],
];
for (const [name, count, run] of rows) {
  for (let i = 0; i < count / 10; i++) run(i); // compiled before it is timed
  const began = process.cpuUsage();
  for (let i = 0; i < count; i++) run(i);
  const { user, system } = process.cpuUsage(began);
  const perSecond = Math.round(count / ((user + system) / 1e6));
  process.stdout.write(`${name.padEnd(32)} ${perSecond.toLocaleString('en')} checks a second\n`);
}
