/**
 * HTML as values that cannot be forgotten to be escaped. `html` is a template tag: what is written in the template is markup,
 * what is put into it is text and gets escaped, unless it is itself a `Markup`. Documents, rollouts, paths and names are
 * untrusted, so the only way to unescaped output is `trusted`, used for the style sheet and for SVG that was serialised by a DOM.
 */

/** A piece of finished markup. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

/** What may be put into a template: text and numbers are escaped, markup and lists of it are not, nothing stays nothing. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[];

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes for element content and for attribute values in either kind of quotes. */
export function escapeHtml(text: string): string {
  return visibleControls(text).replace(/[&<>"']/g, (c) => entities[c]!);
}

/**
 * The text with what a page must not carry made visible: control characters (a NUL is a parse error, an escape sequence is a
 * trap for whoever copies it), marks that turn the writing direction (they can make a text read as another), lone surrogates.
 */
export function visibleControls(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

/** Marks text as finished markup. Only for text this project wrote or a DOM serialised. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

export function html(strings: TemplateStringsArray, ...values: Content[]): Markup {
  let out = strings[0]!;
  values.forEach((value, i) => {
    out += render(value) + strings[i + 1]!;
  });
  return new Markup(out);
}

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(render).join('');
}

/** A long name that may be broken after a dot or an underscore, and so is not broken inside a word. */
export function breakable(name: string): Markup {
  const [first = '', ...rest] = name.split(/(?<=[._])/);
  return html`${first}${rest.map((part) => html`<wbr>${part}`)}`;
}

/** The first `length` characters, with how many were left out; never cuts a surrogate pair. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = length;
  const last = text.charCodeAt(end - 1);
  if (last >= 0xd800 && last <= 0xdbff) end--;
  return `${text.slice(0, end)} … (${(text.length - end).toLocaleString('en-US')} more characters)`;
}
