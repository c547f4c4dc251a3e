/**
 * Short lines that belong to a page's frame although nothing in its markup says so: "Share this article", "All rights reserved",
 * a by-line, a date, "Read more: ...".
 *
 * English, with the few that every news site has. Only whole blocks of at most 160 characters are judged, and only on pages that
 * are not technical; a line that could be prose must also be mostly links.
 */

const longest = 160;

/** Whatever stands in it: nothing else is said. */
const always =
  /^(?:[^\p{L}]*(?:tm[^\p{L}]*)?(?:©|\(c\)|copyright\b).*|.*\ball rights reserved\.?|(?:- )?(?:advertisement|advertising|sponsored(?: content)?|promoted|story continues below(?: advertisement)?|article continues (?:below|after).*|continue reading(?: below.*)?|read more|show more|load more|view more|see more|more|loading\.*|share|share this(?: \w+){0,3}|share on \w+|tweet|pin it|print|print this(?: \w+)?|e-?mail|e-?mail this(?: \w+)?|facebook|twitter|x|linkedin|pinterest|reddit|whatsapp|telegram|messenger|copy link|link copied.?|follow us(?: on .{1,40})?|follow (?:me|him|her|them) on \w+.?|like us on .{1,40}|back to top|top of page|skip to .{1,30}|enlarge (?:this )?image|hide captions?|toggle caption|view (?:gallery|comments|slideshow)|(?:\d+ |no |add |post a |leave a |view \d* ?)?comments?(?: \(?\d+\)?)?|leave a (?:comment|reply)|related(?: (?:articles?|stories|posts|content|links|topics|news|coverage|reading))?|recommended(?: for you)?|most (?:read|popular|viewed)|more (?:stories|news|on this|on this story|from .{1,40})|you (?:may|might) (?:also )?(?:like|be interested in)|sign up|sign in|log ?in|subscribe|subscribe now|register|download the .{1,30} app|previous(?: post| article| page)?|next(?: post| article| page)?|\d+ (?:min|minute)s? read|\d{1,2}:\d\d - source: .{1,30}):?)$/iu;
/** Prose may begin like this too: it must be mostly links. */
const whenLinked =
  /^(?:read(?: more| also| next)?|also read|see also|related|more(?: on this)?|watch|video|listen|photos?|gallery|in pictures|recommended|don[’']t miss|click here|tags?|topics?|filed under|categor(?:y|ies)|posted in|source|via|next|previous)\b/i;
const subscribe =
  /\b(?:sign up|subscribe)\b.{0,80}\b(?:newsletters?|inbox|e-?mail|updates|podcast|channel)\b/i;
const byline =
  /^(?:[Bb]y|BY|Written by|Posted by|Reported by|Words by|Author:|[Vv]on|[Pp]or|[Pp]ar)\s+\p{Lu}[\p{L}.'’-]+(?:,?\s+(?:and|und|y|et|de|van|von|\p{Lu}[\p{L}.'’-]*)){0,7}(?:\s*[,|–-].{0,40})?$/u;
const month = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\\.?';
const date = new RegExp(
  `^(?:(?:first |last )?(?:published|updated|posted|modified|created|date)(?: on| at)?:?\\s*)?(?:\\p{L}{2,9},? )?(?:\\d{1,2}(?:st|nd|rd|th)? ${month},? \\d{4}|${month} \\d{1,2}(?:st|nd|rd|th)?,? \\d{4}|\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}|\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{2,4})(?:[ ,|·•at–-]*\\d{1,2}[:.]\\d\\d.{0,24})?$`,
  'iu',
);
const address = /^(?:[\w.+-]+@[\w-]+\.[\w.-]+|https?:\/\/[!-~]+|www\.[!-~]+)$/;

/**
 * @param text a block's visible text, white space collapsed
 * @param linked share of it inside links, 0 to 1
 * @param atEdge whether it stands before or after all prose
 */
export function isBoilerplateLine(text: string, linked: number, atEdge: boolean): boolean {
  if (text.length > longest || text === '') return false;
  if (always.test(text) || subscribe.test(text)) return true;
  if (linked >= 0.5 && whenLinked.test(text)) return true;
  return atEdge && (byline.test(text) || date.test(text) || address.test(text));
}
