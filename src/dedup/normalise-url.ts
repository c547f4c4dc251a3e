/**
 * One spelling for URLs that name the same page. Conservative: it takes away only what (nearly) never changes the page, so a URL's
 * duplicates are almost surely the same page, while some pages keep two spellings. The rules, on the URL as browsers parse it:
 *
 * 1. http and https only, the same to us; a bare `host.tld/...` counts as one. Anything else is no URL (undefined).
 * 2. Host in lower case and punycode, without a final dot. The scheme's default port goes. `www.` stays, and so do user and password.
 * 3. Path: `.` and `..` resolved, trailing slashes off. Its case stays. `%7e` is `~`, `%2f` is `%2F` (RFC 3986, 6.2.2).
 * 4. Query: tracking parameters off (`utm_*`, click ids; the list below); the rest sorted by name, equal names in their order.
 * 5. Fragment off, unless it is a route of a page's script (`#!...`, `#/...`).
 *
 * Source: RFC 3986 section 6; WHATWG URL (Node's parser); which parameters track: the public lists of ClearURLs and Firefox query stripping.
 */

const tracking =
  /^(utm_[a-z_]+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|ttclid|igshid|igsh|mc_cid|mc_eid|_ga|_gl|_hsenc|_hsmi|vero_id|oly_anon_id|oly_enc_id|mkt_tok|srsltid)$/i;
const bareHost = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:[/?#]|:\d|$)/i;
const scheme = /^[a-z][a-z0-9+.-]*:/i;

/** The normal spelling, without a scheme; undefined for what is no http(s) URL. Never throws. */
export function normaliseUrl(url: string): string | undefined {
  const trimmed = url.trim();
  const parsed = parse(bareHost.test(trimmed) ? `http://${trimmed}` : trimmed);
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return undefined;
  const user = parsed.username === '' ? '' : `${parsed.username}:${parsed.password}@`;
  const host = parsed.hostname.replace(/\.$/, '');
  const port = parsed.port === '' ? '' : `:${parsed.port}`;
  const path = withoutTrailing(unescapePlain(parsed.pathname), '/');
  const query = normaliseQuery(parsed.search.slice(1));
  const route = /^#[!/]/.test(parsed.hash) ? parsed.hash : '';
  return `${user}${host}${port}${path}${query === '' ? '' : `?${query}`}${route}`;
}

function parse(url: string): URL | null {
  return scheme.test(url) ? URL.parse(url) : null;
}

function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return text.slice(0, end);
}

function normaliseQuery(query: string): string {
  const kept = query
    .split('&')
    .filter((parameter) => parameter !== '' && !tracking.test(nameOf(parameter)))
    .map(unescapePlain);
  // Array sort is stable; names are compared by code unit, not by locale.
  return kept.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0)).join('&');
}

function nameOf(parameter: string): string {
  const end = parameter.indexOf('=');
  return end === -1 ? parameter : parameter.slice(0, end);
}

/** Escapes of characters that need none are undone, the others get capital digits. */
function unescapePlain(text: string): string {
  return text.replace(/%[0-9a-f]{2}/gi, (found) => {
    const character = String.fromCharCode(Number.parseInt(found.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : found.toUpperCase();
  });
}
