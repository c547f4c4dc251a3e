/**
 * What a terminal sends for a key, by name: `up`, `shift+right`, `ctrl+c`, `alt+x`, `f5`, or a single character.
 *
 * Sequences are xterm's (ctlseqs, "PC-Style Function Keys"): a modifier is 1 + shift + 2 alt + 4 ctrl. Gives up the kitty protocol.
 */

const letters: Readonly<Record<string, string>> = {
  up: 'A',
  down: 'B',
  right: 'C',
  left: 'D',
  end: 'F',
  home: 'H',
};
const tildes: Readonly<Record<string, number>> = {
  insert: 2,
  delete: 3,
  pageup: 5,
  pagedown: 6,
  f5: 15,
  f6: 17,
  f7: 18,
  f8: 19,
  f9: 20,
  f10: 21,
  f11: 23,
  f12: 24,
};
const functionKeys: Readonly<Record<string, string>> = { f1: 'P', f2: 'Q', f3: 'R', f4: 'S' };
const plain: Readonly<Record<string, string>> = {
  enter: '\r',
  return: '\r',
  tab: '\t',
  esc: '\x1b',
  escape: '\x1b',
  space: ' ',
  backspace: '\x7f',
};

/**
 * The bytes of `key`. `applicationCursor` is the terminal's DECCKM mode, which changes unmodified arrows. Throws for a name that is no
 * key: text is typed with `type`.
 */
export function keyBytes(key: string, applicationCursor = false): string {
  if ([...key].length === 1) return key;
  const parts = key.split('+');
  const name = parts.pop()!;
  const [shift, alt, ctrl] = ['shift', 'alt', 'ctrl'].map((modifier) => parts.includes(modifier));
  const modifier = 1 + (shift ? 1 : 0) + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  if (parts.some((part) => !['shift', 'alt', 'ctrl'].includes(part))) throw unknown(key);
  const letter = letters[name];
  if (letter !== undefined) {
    if (modifier > 1) return `\x1b[1;${modifier}${letter}`;
    return applicationCursor ? `\x1bO${letter}` : `\x1b[${letter}`;
  }
  if (functionKeys[name] !== undefined) {
    return modifier > 1 ? `\x1b[1;${modifier}${functionKeys[name]}` : `\x1bO${functionKeys[name]}`;
  }
  if (tildes[name] !== undefined) return `\x1b[${tildes[name]}${modifier > 1 ? `;${modifier}` : ''}~`;
  if (name === 'tab' && shift) return '\x1b[Z';
  const character = plain[name] ?? ([...name].length === 1 ? name : undefined);
  if (character === undefined) throw unknown(key);
  let bytes = shift ? character.toUpperCase() : character;
  if (ctrl) {
    const code = name === 'space' ? 0 : bytes.toUpperCase().charCodeAt(0) - 64;
    if (code < 0 || code > 31) throw unknown(key);
    bytes = String.fromCharCode(code);
  }
  return alt ? `\x1b${bytes}` : bytes;
}

function unknown(key: string): Error {
  const names = [letters, functionKeys, tildes, plain].flatMap((table) => Object.keys(table));
  return new Error(
    `no key is named ${JSON.stringify(key)}; keys are ${names.join(', ')} and single characters, with shift+, alt+ or ctrl+ before them; type() types text`,
  );
}
