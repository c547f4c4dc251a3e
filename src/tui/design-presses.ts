/** What Ink says of a key, as the designer's presses. Several keys that were typed fast come in one piece; much at once is a paste. Pure. */
import type { Key } from 'ink';
import type { Press } from './design-keys.ts';

/** More characters at once than a person types between two reads. */
const typedAtOnce = 24;

export function pressesOf(input: string, key: Key): Press[] | 'paste' {
  const names = [
    ['upArrow', 'up'],
    ['downArrow', 'down'],
    ['leftArrow', 'left'],
    ['rightArrow', 'right'],
    ['pageUp', 'pageup'],
    ['pageDown', 'pagedown'],
    ['home', 'home'],
    ['end', 'end'],
    ['return', 'enter'],
    ['escape', 'escape'],
    ['backspace', 'backspace'],
    ['delete', 'delete'],
    ['tab', 'tab'],
  ] as const;
  const named = names.find(([name]) => key[name]);
  if (named !== undefined) return [{ key: named[1], shift: key.shift, ctrl: key.ctrl }];
  if (key.ctrl) return [{ key: input, ctrl: true }];
  // Alt and a letter is no key of the designer.
  if (key.meta || input === '') return [];
  const characters = [...input];
  if (characters.length > typedAtOnce || /[\r\n]./s.test(input)) return 'paste';
  return characters.map((character): Press => {
    const code = character.codePointAt(0)!;
    if (character === '\r' || character === '\n') return { key: 'enter' };
    if (character === '\t') return { key: 'tab' };
    if (code === 8 || code === 127) return { key: 'backspace' };
    if (code < 32) return { key: String.fromCharCode(code + 96), ctrl: true };
    return { key: character };
  });
}
