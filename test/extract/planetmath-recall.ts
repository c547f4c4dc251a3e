/**
 * How much of PlanetMath's mathematics survives extraction: each page's formulas against the `.tex` it was made from.
 *
 * The source's formulas are read with the same span finder, after comments go and the page's own macros are expanded
 * (LaTeXML expanded them too). Two numbers: `recovered`, the share of source formulas that have a partner in the
 * extracted text which is equal or at least four fifths alike (shared token bigrams); and `equal`, the share whose
 * partner is equal after `normaliseFormula`. Partners are used once.
 *
 * Run: node test/extract/planetmath-recall.ts [--misses] [folder]
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { htmlToText } from '../../src/extract/html-to-text.ts';
import { findMathSpans } from '../../src/text/math-spans.ts';
import { normaliseFormula } from './normalise-formula.ts';

export interface Recall {
  pages: number;
  formulas: number;
  recovered: number;
  equal: number;
  /** Formulas in the extracted text that matched nothing in the source. */
  extra: number;
  routes: Record<string, number>;
  misses: { page: string; formula: string; nearest: string; alike: number }[];
}

/** Every `step`-th page of `folder`, each `.html` with its `.tex`. */
export function measureRecall(folder: string, step = 1): Recall {
  const recall: Recall = { pages: 0, formulas: 0, recovered: 0, equal: 0, extra: 0, routes: {}, misses: [] };
  const files = readdirSync(folder).filter((file) => file.endsWith('.html'));
  for (const [index, file] of files.sort().entries()) {
    if (index % step !== 0) continue;
    const html = readFileSync(path.join(folder, file), 'utf8');
    const source = readFileSync(path.join(folder, file.replace(/\.html$/, '.tex')), 'utf8');
    const page = htmlToText(html, { url: file });
    recall.pages++;
    recall.routes[page.route] = (recall.routes[page.route] ?? 0) + 1;
    comparePage(file, formulasOf(sourceBody(source)), formulasOf(page.text), recall);
  }
  return recall;
}

function formulasOf(text: string): string[] {
  return findMathSpans(text)
    .map((span) => {
      const whole = text.slice(span.start, span.end);
      return normaliseFormula(
        span.kind === 'environment' ? whole : text.slice(span.contentStart, span.contentEnd),
      );
    })
    .filter((formula) => formula !== '');
}

function comparePage(page: string, wanted: string[], found: string[], recall: Recall): void {
  recall.formulas += wanted.length;
  const left = new Map<string, number>();
  for (const formula of found) left.set(formula, (left.get(formula) ?? 0) + 1);
  const unmatched: string[] = [];
  for (const formula of wanted) {
    const count = left.get(formula) ?? 0;
    if (count > 0) {
      left.set(formula, count - 1);
      recall.equal++;
      recall.recovered++;
    } else unmatched.push(formula);
  }
  const rest = [...left].flatMap(([formula, count]) => new Array<string>(count).fill(formula));
  for (const formula of unmatched) {
    let best = -1;
    let alike = 0;
    for (let index = 0; index < rest.length; index++) {
      const score = similarity(formula, rest[index]!);
      if (score > alike) {
        alike = score;
        best = index;
      }
    }
    recall.misses.push({ page, formula, nearest: best < 0 ? '' : rest[best]!, alike });
    if (alike >= 0.8) {
      recall.recovered++;
      rest.splice(best, 1);
    }
  }
  recall.extra += rest.length;
}

/** Dice coefficient over token bigrams, 0 to 1. */
function similarity(a: string, b: string): number {
  const bigrams = (text: string): Map<string, number> => {
    const counts = new Map<string, number>();
    const tokens = ['^', ...text.split(' '), '$'];
    for (let at = 1; at < tokens.length; at++) {
      const key = `${tokens[at - 1]} ${tokens[at]}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  };
  const first = bigrams(a);
  const second = bigrams(b);
  let shared = 0;
  let total = 0;
  for (const [key, count] of first) {
    shared += Math.min(count, second.get(key) ?? 0);
    total += count;
  }
  for (const count of second.values()) total += count;
  return (2 * shared) / total;
}

/** The document's body with comments gone and its own macros expanded. */
function sourceBody(source: string): string {
  const start = source.indexOf('\\begin{document}');
  const end = source.indexOf('\\end{document}');
  const preamble = source.slice(0, Math.max(0, start));
  let body = source.slice(start < 0 ? 0 : start + 16, end < 0 ? undefined : end);
  body = body.replace(/(?<!\\)%.*$/gm, '').replace(/\\begin\{verbatim\}[\s\S]*?\\end\{verbatim\}/g, '');
  const macros = readMacros(preamble.replace(/(?<!\\)%.*$/gm, '') + body);
  // Macros may use macros; three rounds reach the bottom of all that occur.
  for (let round = 0; round < 3; round++) body = expand(body, macros);
  return body;
}

interface Macro {
  parameters: number;
  body: string;
}

function readMacros(text: string): Map<string, Macro> {
  const macros = new Map<string, Macro>();
  const definition =
    /\\(?:newcommand|renewcommand|providecommand|def|DeclareMathOperator)\*?\s*\{?\s*\\([A-Za-z]+)\s*\}?\s*(?:\[(\d)\])?((?:#\d)*)\s*\{/g;
  for (const match of text.matchAll(definition)) {
    const body = group(text, match.index + match[0].length - 1);
    if (body === undefined) continue;
    const parameters = Number(match[2] ?? (match[3] ?? '').length / 2);
    const operator = match[0].startsWith('\\DeclareMathOperator');
    macros.set(match[1]!, { parameters, body: operator ? `\\operatorname{${body.text}}` : body.text });
  }
  return macros;
}

function group(text: string, open: number): { text: string; end: number } | undefined {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return { text: text.slice(open + 1, at), end: at + 1 };
  }
  return undefined;
}

function expand(text: string, macros: Map<string, Macro>): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const name = text[at] === '\\' ? /^[A-Za-z]+/.exec(text.slice(at + 1, at + 40))?.[0] : undefined;
    const macro = name === undefined ? undefined : macros.get(name);
    if (name === undefined || macro === undefined) {
      const step = text[at] === '\\' ? 2 : 1;
      out += text.slice(at, at + step);
      at += step;
      continue;
    }
    let next = at + 1 + name.length;
    let body = macro.body;
    for (let parameter = 1; parameter <= macro.parameters; parameter++) {
      while (/\s/.test(text[next] ?? '')) next++;
      const argument = text[next] === '{' ? group(text, next) : { text: text[next] ?? '', end: next + 1 };
      if (argument === undefined) break;
      body = body.replaceAll(`#${parameter}`, () => ` ${argument.text}`);
      next = argument.end;
    }
    out += macro.parameters === 0 ? `{${body}}` : body;
    at = next;
  }
  return out;
}

if (import.meta.main) {
  const folder =
    process.argv.slice(2).find((word) => !word.startsWith('--')) ?? '../shared/data/html-math/planetmath-11';
  const recall = measureRecall(folder);
  if (process.argv.includes('--misses')) {
    for (const miss of recall.misses) {
      process.stdout.write(
        `${miss.page}  ${miss.alike.toFixed(2)}\n   - ${miss.formula}\n   + ${miss.nearest}\n`,
      );
    }
  }
  const share = (count: number): string => `${((100 * count) / recall.formulas).toFixed(2)} %`;
  process.stdout.write(
    `${recall.pages} pages, ${recall.formulas} formulas: recovered ${share(recall.recovered)}, equal ${share(recall.equal)}, ` +
      `extra ${recall.extra}, routes ${JSON.stringify(recall.routes)}\n`,
  );
}
