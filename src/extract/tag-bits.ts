/** One bit for each tag that is searched for often, so that a subtree can say in one number what it holds. */

/** Tags that are searched for have a bit of their own; the rest share one. */
const searched =
  'a p br hr img li ul ol h1 h2 h3 h4 h5 h6 table tr td caption div span pre input footer aside figure form blockquote math em section'.split(
    ' ',
  );
const bits = new Map(searched.map((name, index) => [name, 1 << index]));
/** `tagName`s ready made. */
export const upperNames = new Map(searched.map((name) => [name, name.toUpperCase()]));
const otherTags = 1 << 30;

/** The bit of tag `name`. */
export function bitOf(name: string): number {
  return bits.get(name) ?? otherTags;
}
