/** The designer's help, as lines. Pure. */
import { cell, type Line, piece, words } from './design-line.ts';

const sections: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'sources',
    [
      ['↑ ↓', 'choose a source; PgUp PgDn Home End in long lists'],
      ['← →', 'share 1 % down or up (also - +); with Shift, or with , and . 0.1 %'],
      ['0-9 Enter', 'type a share in percent'],
      ['space', 'switch a source off, its share goes to the others; again gives it back'],
      ['l  L', 'lock: the share stays whatever moves; L unlocks all'],
      ['f', 'make it the fill source (◇), which gives way first'],
      ['p', 'who gives way: the fill source first, or all in proportion'],
      ['r', 'back to the share it was opened with'],
      ['v', 'look at documents of the source'],
    ],
  ],
  [
    'shares by role',
    [
      ['Q', 'all QA data, long chains of thought included (as --qa-ratio)'],
      ['C', 'long chains of thought, inside the QA share (as --cot-ratio)'],
      ['I', 'instruction data (as --instruct-ratio)'],
    ],
  ],
  [
    'the run',
    [
      ['b', 'budget in tokens: 20B; empty takes what the sources give without a repeat'],
      ['s', 'sequence length'],
      ['t', 'tokens of one training step'],
      ['k', 'tokenizer'],
      ['e', 'seed'],
      ['P', 'packing: concatenate, or best-fit whole documents'],
      ['R', 'how often a source may be read'],
      ['M', 'model that the training time is for'],
      ['a  A', 'a measures this adapter for the time; A takes a speed in TFLOP/s'],
    ],
  ],
  [
    'the recipe',
    [
      ['u  U', 'undo and redo (also ctrl-z and ctrl-r or ctrl-y); presses of one key in a row are one step'],
      ['c', 'compare with a built-in recipe side by side'],
      ['!', 'problems and warnings in full'],
      ['w  S', 'save; S saves under another name. Comments and notes in the file stay'],
      ['x', 'write the plan as JSON, with the mix command that makes it'],
      ['m', 'start mix'],
      ['q', 'leave; asks when something is not saved. Ctrl-C twice leaves at once and keeps a recovery file'],
    ],
  ],
];

const signs: readonly (readonly [string, string])[] = [
  ['~', 'a size that is estimated: a sample, or what the data card says under another tokenizer'],
  ['…', 'is being counted'],
  ['×!', 'read more than four times: repeats beyond about four teach little (Muennighoff et al. 2023)'],
  ['×!!', 'read more often than the limit allows: cannot be made'],
  ['┃', 'where the share was when the recipe was opened'],
  ['┣━━┫', 'the band that the paper used; ● the share of this design'],
];

export function helpLines(columns: number): Line[] {
  const room = columns - 14;
  const list = (entries: readonly (readonly [string, string])[]): Line[] =>
    entries.flatMap(([key, what]) =>
      words(what, room).map(
        (line, i): Line => [piece('  '), piece(cell(i === 0 ? key : '', 11), 'key'), piece(' '), ...line],
      ),
    );
  return [
    ...sections.flatMap(([title, entries]): Line[] => [[piece(title, 'bold')], ...list(entries), []]),
    [piece('signs', 'bold')],
    ...list(signs),
  ];
}
