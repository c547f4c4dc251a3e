/**
 * HTML text to a DOM (linkedom). No script runs, nothing is fetched, and the input is expected to come from
 * `simplifyHtml`, which bounds its size and depth.
 */
import { parseHTML } from 'linkedom';

export function parsePage(html: string): Document {
  return parseHTML(html).document as unknown as Document;
}

/** A fragment of markup (MathML kept in an attribute or a script), parsed apart from the page. */
export function parseFragment(markup: string): Element {
  return parsePage(`<!DOCTYPE html><html><body>${markup.slice(0, 60_000)}</body></html>`).body;
}
