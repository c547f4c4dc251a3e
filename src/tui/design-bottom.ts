/** The two lines at the bottom of the designer: what was said or asked, and the keys that count now. Pure. */

import { cell, type Line, piece } from './design-line.ts';
import { promptLabel } from './design-prompts.ts';
import { keyLine, messageLine } from './design-screen.ts';
import type { DesignUi, Question } from './design-state.ts';
import { cutTo, visibleLine, widthOf } from './visible-text.ts';

const tableKeys: readonly (readonly [string, string])[] = [
  ['←→', '±1 %'],
  ['0-9', 'type'],
  ['l', 'lock'],
  ['space', 'off'],
  ['u', 'undo'],
  ['w', 'save'],
  ['m', 'mix'],
  ['c', 'compare'],
  [', .', '±0.1'],
  ['v', 'documents'],
  ['U', 'redo'],
  ['x', 'export'],
  ['f', 'fill'],
  ['r', 'reset'],
  ['L', 'unlock all'],
  ['?', 'help'],
  ['q', 'quit'],
];

/** Message or what the prompt says is wrong; then the prompt, the question or the keys. */
export function bottomLines(ui: DesignUi, columns: number): Line[] {
  if (ui.question !== undefined) return questionLines(ui.question, columns);
  if (ui.prompt !== undefined) return promptLines(ui, columns);
  const said = ui.message;
  return [said === undefined ? [] : messageLine(said.text, said.tone, columns), keyLine(tableKeys, columns)];
}

function promptLines(ui: DesignUi, columns: number): Line[] {
  const { field, text, caret, error, fresh } = ui.prompt!;
  const { label, hint } = promptLabel(ui, field);
  const head = ` ${label}: `;
  const keys = '  Enter takes it, Esc does not';
  const room = Math.max(8, columns - widthOf(head) - 2);
  // The piece of the text around the caret that fits.
  const before = visibleLine(text.slice(0, caret));
  const start = Math.max(0, [...before].length - (room - 2));
  const shownBefore = [...before].slice(start).join('');
  const at = visibleLine([...text.slice(caret)][0] ?? '') || ' ';
  const behind = cutTo(
    visibleLine([...text.slice(caret)].slice(1).join('')),
    Math.max(0, room - widthOf(shownBefore) - widthOf(at)),
  );
  const used = widthOf(head) + widthOf(shownBefore) + widthOf(at) + widthOf(behind);
  return [
    error === undefined ? [piece(` ${hint}`, 'dim')] : messageLine(error, 'warn', columns),
    [
      piece(head, 'bold'),
      piece(shownBefore, fresh ? 'blue' : 'plain'),
      piece(at, 'bar'),
      piece(behind),
      ...(columns - used > keys.length ? [piece(cell(keys, columns - used, 'right'), 'dim')] : []),
    ],
  ];
}

function questionLines(question: Question, columns: number): Line[] {
  const [text, keys] = asked(question);
  return [
    [piece(' ? ', 'bad'), piece(` ${cutTo(visibleLine(text), columns - 5)}`, 'bold')],
    keyLine(keys, columns),
  ];
}

function asked(question: Question): [string, readonly (readonly [string, string])[]] {
  switch (question.kind) {
    case 'quit':
      return [
        'this mixture is not saved',
        [
          ['s', 'save and quit'],
          ['d', 'discard and quit'],
          ['Esc', 'stay'],
        ],
      ];
    case 'interrupt':
      return [
        'this mixture is not saved; Ctrl-C again leaves and keeps a recovery file',
        [
          ['s', 'save and quit'],
          ['d', 'discard'],
          ['Ctrl-C', 'leave'],
          ['Esc', 'stay'],
        ],
      ];
    case 'overwrite':
      return [
        `${question.path} exists already`,
        [
          ['o', 'overwrite it'],
          ['s', 'save under another name'],
          ['Esc', 'do not save'],
        ],
      ];
    case 'changed-on-disk':
      return [
        `${question.path} was changed by something else since it was read`,
        [
          ['o', 'overwrite it'],
          ['s', 'save under another name'],
          ['Esc', 'do not save'],
        ],
      ];
    case 'mix-unsaved':
      return [
        'mix reads the file, so the mixture must be saved first',
        [
          ['s', 'save, then mix'],
          ['Esc', 'stay'],
        ],
      ];
  }
}
