/**
 * What a TeX command is to the words that contamination checks compare: a word, nothing, or nothing together with its argument.
 *
 * A page may carry a problem as TeX or as plain characters. Commands that plain text spells as a word stay (`\sin`, `\pi`, `\sqrt`);
 * layout, fonts, spacing, relations and operators, which plain text writes as marks or not at all, are dropped (`\left`, `\dfrac`, `\le`,
 * `\cdot`, `\quad`), and so is every command not listed here. Arguments stay, but for those that are no text (`\label{..}`, `\hspace{..}`).
 */
import { greekNames } from './character-fold.ts';

export type TexAction = { word: string } | 'argument' | 'environment';

const functions =
  'sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln lg exp lim max min sup inf gcd lcm det dim ker deg arg mod ' +
  'sqrt sum prod int infty';

const renamed: Readonly<Record<string, string>> = {
  varepsilon: 'epsilon',
  vartheta: 'theta',
  varpi: 'pi',
  varrho: 'rho',
  varsigma: 'sigma',
  varphi: 'phi',
  pmod: 'mod',
  bmod: 'mod',
  pod: 'mod',
  limsup: 'lim',
  liminf: 'lim',
  iint: 'int',
  iiint: 'int',
  oint: 'int',
};

const withArgument =
  'label ref eqref cite tag hspace vspace hphantom vphantom phantom color textcolor includegraphics usepackage';

/** Command names that begin with `n`; `\nShe` is an escaped line end and a word. */
const beginWithN = new Set(
  (
    'n ne neq neg not notin nabla natural nearrow nwarrow newline newpage newcommand nolimits nonumber nmid nparallel nless ngtr nleq ngeq ' +
    'nsubseteq nsupseteq nexists ni noindent normalsize nu nprec nsucc nsim ncong nleftarrow nrightarrow nvdash nobreak nocite nonfrenchspacing'
  ).split(' '),
);

const actions = new Map<string, TexAction>([
  ...functions.split(' ').map((word): [string, TexAction] => [word, { word }]),
  ...Object.values(greekNames).flatMap((word): [string, TexAction][] => [
    [word, { word }],
    [`${word[0]!.toUpperCase()}${word.slice(1)}`, { word }],
  ]),
  ...Object.entries(renamed).map(([command, word]): [string, TexAction] => [command, { word }]),
  ...withArgument.split(' ').map((command): [string, TexAction] => [command, 'argument']),
  ['begin', 'environment'],
  ['end', 'environment'],
]);

/** What to do with a command; undefined: drop the name, read on after it. */
export function texAction(name: string): TexAction | undefined {
  const known = actions.get(name);
  if (known !== undefined || !name.startsWith('n') || beginWithN.has(name)) return known;
  return { word: name.slice(1).toLowerCase() };
}
