/**
 * Text from files and web pages made safe to print on a terminal. A page may carry escape sequences that recolour, retitle,
 * overwrite lines or make a terminal answer; they are removed, not shown. Also removed: other control characters, and the
 * bidirectional overrides that make text read in another order than it is stored. Newline and tab stay.
 */

// Each alternative is linear: the body of a string sequence stops at any control byte, so no start is scanned twice.
const controlSequences = new RegExp(
  [
    '(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]', // CSI: colours, cursor movement, erasing
    '(?:\\x1b\\]|\\x9d)(?:[^\\x07\\x1b\\x80-\\x9f]*(?:\\x07|\\x1b\\\\|\\x9c))?', // OSC: titles, links, clipboard
    '(?:\\x1b[PX^_]|[\\x90\\x98\\x9e\\x9f])(?:[^\\x1b\\x80-\\x9f]*(?:\\x1b\\\\|\\x9c))?', // DCS, SOS, PM, APC
    '\\x1b[ -/]*[0-~]?', // two-byte escapes, and an escape left alone
    '[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]', // what is left of C0 (newline and tab stay), DEL and C1
    '[\\u202a-\\u202e\\u2066-\\u2069]', // bidirectional embeddings, overrides and isolates
  ].join('|'),
  'g',
);

/** `text` without control sequences; newlines (also from CR LF) and tabs are kept. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(controlSequences, '');
}

/** The same on one line: every run of white space becomes one space. */
export function printableLine(text: string): string {
  return printable(text.replace(/[\r\n\t\u0085\u2028\u2029]+/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
}
