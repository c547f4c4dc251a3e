/**
 * The registered domain of a host: the label people register and the public suffix after it (`example.co.uk` of `www.example.co.uk`).
 *
 * A full answer needs the Public Suffix List, which changes weekly. This is its bulk in one rule: the suffix is the last label, or the
 * last two when the last is a country's and the one before is a word that countries register under (`co`, `ac`, `gov` ...).
 * Of the 6,871 suffixes in the ICANN part of the list it knows about two in five; what it does not know is towns and regions of
 * .jp, .no, .it, .us and .pl, professions under .br, and the like, under which few sites are.
 *
 * Gives up: those, suffixes of three labels, and what companies list as suffixes (`github.io`), which
 * datatrove's extractor does not use either.
 * Source: publicsuffix.org; tldextract, which datatrove's URL filter uses.
 */

const secondLevel: ReadonlySet<string> = new Set(
  (
    'ac co com edu gob gouv gov govt go gv gen gub int mil mod net ne nic nom nhs org or oth ltd plc me sch school info biz name pro ' +
    'asso web id idv firm firma ind store rec art adm adv eng ed gr lg ad ai tv police press parliament museum coop k12 law geek ' +
    'kiwi maori iwi cri health res ernet nsw vic qld sa tas act nt wa ab bc mb nb nf nl ns on pe qc sk yk presse tm game gok in'
  ).split(' '),
);
/** Countries whose two-label suffixes are for use by others than the words above would suggest. */
const flat: ReadonlySet<string> = new Set('de fr nl be ch ca us eu io ai tv me cc ws fm to'.split(' '));

/** The registered domain of `host` (lower case, no port), or the host itself when it is an address or a lone label. */
export function registeredDomain(host: string): string {
  if (/^[0-9.]+$/.test(host) || host.includes(':')) return host;
  const labels = host.split('.');
  if (labels.length <= 2) return host;
  return labels.slice(-1 - suffixLabels(labels)).join('.');
}

function suffixLabels(labels: readonly string[]): number {
  const last = labels.at(-1)!;
  if (last.length !== 2 || flat.has(last)) return 1;
  return secondLevel.has(labels.at(-2)!) ? 2 : 1;
}
