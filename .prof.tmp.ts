import { readFileSync, readdirSync } from 'node:fs';
import { parseHTML } from 'linkedom'; import { Readability } from '@mozilla/readability';
import { htmlToText } from './src/extract/html-to-text.ts';
const base = '/work/shared/data/html-math/';
for (const d of ['planetmath-11','libflint-doc','gap-doc','python-sympy-doc']) {
const files = readdirSync(base + d).filter((f) => f.endsWith('.html')).map((f) => base + d + '/' + f).slice(0, 60);
const htmls = files.map((f) => readFileSync(f, 'utf8')); const kb = htmls.reduce((a, h) => a + h.length, 0) / 1000 / files.length;
let ours = 0, raw = 0;
for (let round = 0; round < 2; round++) { ours = raw = 0; for (const html of htmls) {
  let c = process.cpuUsage(); htmlToText(html); let u = process.cpuUsage(c); ours += (u.user + u.system) / 1e6;
  c = process.cpuUsage(); new Readability(parseHTML(html).document as any).parse()?.textContent; u = process.cpuUsage(c); raw += (u.user + u.system) / 1e6; } }
console.log(d, files.length, 'pages', kb.toFixed(0), 'KB mean: ours', (files.length / ours).toFixed(1), 'docs/cpu-s; Readability+linkedom alone', (files.length / raw).toFixed(1), 'ratio', (raw / ours).toFixed(2)); }
