/**
 * Finds e-mail addresses and public IPv4 addresses, and replaces them by examples.
 *
 * What counts as an address is datatrove's: its two regular expressions, answered here by scanning from each `@` and each dot
 * between digits, so the cost does not depend on the text between. An IPv4 address counts when it is global (not private, not
 * reserved) and written without leading zeros. Examples rotate within a document, so the result depends on nothing but its text.
 *
 * IPv4 examples are the documentation addresses of RFC 5737; datatrove's are six public ones that answered no ping. Masked text holds
 * no address of anybody, and masking it again changes at most which example stands where.
 * Gives up, as datatrove: IPv6, telephone numbers, names; a version number such as 1.2.3.4 is an address.
 * Source: datatrove PIIFormatter 0.10; IANA IPv4 special-purpose registry.
 */

export interface PiiMatch {
  kind: 'email' | 'address';
  start: number;
  end: number;
}

export interface MaskPiiOptions {
  /** Examples to put for e-mail addresses, in turn; an empty list leaves them. */
  emails?: readonly string[];
  /** Examples to put for IPv4 addresses, in turn; an empty list leaves them. */
  addresses?: readonly string[];
}

const exampleEmails = ['email@example.com', 'firstname.lastname@example.org'];
const exampleAddresses = [
  '192.0.2.1',
  '198.51.100.2',
  '203.0.113.3',
  '192.0.2.4',
  '198.51.100.5',
  '203.0.113.6',
];

/** `text` with addresses replaced, and how many of each there were. */
export function maskPii(
  text: string,
  options: MaskPiiOptions = {},
): { text: string; emails: number; addresses: number } {
  const examples = {
    email: options.emails ?? exampleEmails,
    address: options.addresses ?? exampleAddresses,
  };
  const counts = { email: 0, address: 0 };
  const pieces: string[] = [];
  let from = 0;
  for (const { kind, start, end } of findPii(text)) {
    const list = examples[kind];
    const example = list[counts[kind] % list.length];
    counts[kind]++;
    if (example === undefined) continue;
    pieces.push(text.slice(from, start), example);
    from = end;
  }
  if (pieces.length > 0) pieces.push(text.slice(from));
  return {
    text: pieces.length === 0 ? text : pieces.join(''),
    emails: counts.email,
    addresses: counts.address,
  };
}

/** Addresses in order, none overlapping. Digits inside an e-mail address are no IPv4 address. */
export function findPii(text: string): PiiMatch[] {
  const emails = findEmails(text);
  const addresses = findAddresses(text, emails);
  return addresses.length === 0 ? emails : [...emails, ...addresses].sort((a, b) => a.start - b.start);
}

const word = 1; // Unicode letter, digit or _, what `\b` looks at
const alphanumeric = 2;
const local = 4; // may stand before the @
const classes: Uint8Array = (() => {
  const table = new Uint8Array(0x10000);
  const wordCharacter = /[\p{L}\p{N}_]/u;
  for (let code = 0; code < 0x10000; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCharCode(code);
    if (wordCharacter.test(character)) table[code]! |= word;
    if (code < 128 && /[A-Za-z0-9]/.test(character)) table[code]! |= alphanumeric | local;
  }
  for (const mark of "!#$%&'*+/=?^_`{|}~-") table[mark.charCodeAt(0)]! |= local;
  return table;
})();
const is = (text: string, at: number, flag: number): boolean => (classes[text.charCodeAt(at)]! & flag) !== 0;
const dot = 0x2e;
const literal =
  /\[(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?|[A-Za-z0-9-]*[A-Za-z0-9]:)\]/y;

function findEmails(text: string): PiiMatch[] {
  const found: PiiMatch[] = [];
  let after = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const start = localStart(text, at, after);
    if (start < 0) continue;
    const end = domainEnd(text, at + 1);
    if (end < 0) continue;
    found.push({ kind: 'email', start, end });
    after = end;
  }
  return found;
}

/** Where the part before the `@` begins, not before `floor`; -1 when there is none. */
function localStart(text: string, at: number, floor: number): number {
  let first = at;
  while (first > floor) {
    const unit = text.charCodeAt(first - 1);
    const joins = unit === dot && first < at && text.charCodeAt(first) !== dot;
    if (!joins && (classes[unit]! & local) === 0) break;
    first--;
  }
  // It begins at a word boundary, and with no dot.
  for (; first < at; first++) {
    if (text.charCodeAt(first) === dot) continue;
    const before = first > 0 && is(text, first - 1, word);
    if (before !== is(text, first, word)) return first;
  }
  return -1;
}

/** Where the domain at `at` ends: two or more labels joined by dots, or an address in brackets; -1 when there is none. */
function domainEnd(text: string, at: number): number {
  if (text.charCodeAt(at) === 0x5b) {
    literal.lastIndex = at;
    return literal.test(text) ? literal.lastIndex : -1;
  }
  let labels = 0;
  let end = -1;
  while (at < text.length && is(text, at, alphanumeric)) {
    let next = at;
    while (next < text.length && (is(text, next, alphanumeric) || text.charCodeAt(next) === 0x2d)) next++;
    let stop = next;
    while (!is(text, stop - 1, alphanumeric)) stop--; // a label ends in no hyphen
    labels++;
    end = stop;
    if (stop < next || text.charCodeAt(next) !== dot) break;
    at = next + 1;
  }
  return labels < 2 ? -1 : end;
}

const isDigit = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at);
  return unit >= 0x30 && unit <= 0x39;
};
const ipv4 = /(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)/y;

function findAddresses(text: string, emails: readonly PiiMatch[]): PiiMatch[] {
  const found: PiiMatch[] = [];
  let floor = 0;
  let email = 0;
  for (let at = text.indexOf('.'); at >= 0; at = text.indexOf('.', at + 1)) {
    if (at < floor || !isDigit(text, at + 1) || at === 0 || !isDigit(text, at - 1)) continue;
    while (email < emails.length && emails[email]!.end <= at) floor = Math.max(floor, emails[email++]!.end);
    if (email < emails.length && emails[email]!.start <= at) continue;
    // The match begins one to three digits before its first dot.
    let start = at;
    while (start > floor && start > at - 3 && isDigit(text, start - 1)) start--;
    for (; start < at; start++) {
      ipv4.lastIndex = start;
      if (!ipv4.test(text)) continue;
      floor = ipv4.lastIndex;
      if (isPublic(text.slice(start, floor))) found.push({ kind: 'address', start, end: floor });
      break;
    }
  }
  return found;
}

/** Networks that belong to nobody: first address and prefix length. */
const notPublic = (
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 ' +
  '198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4'
)
  .split(' ')
  .map((network) => {
    const [address, length] = network.split('/');
    const shift = 32 - Number(length);
    return { first: Math.floor(numberOf(address!.split('.')) / 2 ** shift), size: 2 ** shift };
  });

function numberOf(parts: readonly string[]): number {
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function isPublic(address: string): boolean {
  const parts = address.split('.');
  if (parts.some((part) => part.length > 1 && part.startsWith('0'))) return false;
  const value = numberOf(parts);
  return !notPublic.some(({ first, size }) => Math.floor(value / size) === first);
}
