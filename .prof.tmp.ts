import { readFileSync, readdirSync } from 'node:fs';
import { parseHTML } from 'linkedom'; import { Readability } from '@mozilla/readability';
import { simplifyHtml } from '/work/main/src/extract/simplify-html.ts';
import { defaultLimits } from '/work/main/src/extract/limits.ts';
import { rewriteMath } from '/work/main/src/extract/math-pass.ts';
import { favourProse } from '/work/main/src/extract/favour-prose.ts';
import { blockText } from '/work/main/src/extract/block-text.ts';
import { htmlToText } from '/work/main/src/extract/html-to-text.ts';
const base = '/work/shared/data/html-math/';
const files = ['planetmath-11','python-sympy-doc','libflint-doc','gap-doc','mathematics-in-lean'].flatMap((d) => readdirSync(base + d).filter((f) => f.endsWith('.html')).map((f) => base + d + '/' + f));
const htmls = files.map((f) => readFileSync(f, 'utf8'));
const bytes = htmls.reduce((a, h) => a + h.length, 0);
const T: Record<string, number> = {};
function time<R>(k: string, f: () => R): R { const c = process.cpuUsage(); const r = f(); const d = process.cpuUsage(c); T[k] = (T[k] ?? 0) + (d.user + d.system) / 1e6; return r; }
for (let round = 0; round < 2; round++) { for (const k in T) delete T[k];
for (const html of htmls) {
  const s = time('simplify', () => simplifyHtml(html, defaultLimits));
  const d = time('parse', () => parseHTML(s.html).document) as any;
  const c = time('clone', () => d.cloneNode(true));
  time('math', () => rewriteMath(d));
  time('favour', () => favourProse(d.body));
  const a = time('readability', () => new Readability(d, { keepClasses: true, disableJSONLD: true, serializer: (e: any) => e } as any).parse());
  time('blockText', () => (a?.content ? blockText(a.content as any) : undefined));
  const d2 = time('rawparse', () => parseHTML(html).document) as any;
  time('rawReadability', () => new Readability(d2).parse());
  time('ours', () => htmlToText(html));
} }
console.log(files.length, 'pages', (bytes / 1e6).toFixed(1), 'MB', T);
console.log('ours docs/cpu-s', (files.length / T.ours!).toFixed(1), 'raw', (files.length / (T.rawparse! + T.rawReadability!)).toFixed(1));
