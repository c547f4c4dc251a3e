/**
 * The lists that the `url` family checks addresses against, and how their files are read.
 *
 * A file has one entry a line; lines that begin with `#` and blank lines do not count. `domains` and `urls` are taken as they stand
 * (the layout of the UT1 lists: a folder with these two files); words lose everything but letters and digits and are lowered, as
 * datatrove does.
 *
 * The built-in lists are short and plain: they name what most addresses of adult and gambling pages say themselves. They know no
 * domain; give lists of your own to block those (UT1, 4.6 million domains).
 * Source: datatrove URLFilter 0.10; TxT360's description of UT1.
 */

export interface UrlLists {
  /** Registered domains or full host names. */
  domains: ReadonlySet<string>;
  /** Whole addresses. */
  urls: ReadonlySet<string>;
  /** One of these words in an address drops it. */
  hardWords: ReadonlySet<string>;
  /** Two of these do. */
  softWords: ReadonlySet<string>;
  /** One of these anywhere in the letters and digits of an address drops it. */
  subwords: ReadonlySet<string>;
}

/** File of each list in a folder of lists. The first two names are UT1's, the others datatrove's. */
export const urlListFiles: Readonly<Record<keyof UrlLists, string>> = {
  domains: 'domains',
  urls: 'urls',
  hardWords: 'banned_words.txt',
  softWords: 'soft_banned_words.txt',
  subwords: 'banned_subwords.txt',
};

/** Entries of one list file. */
export function parseUrlList(text: string, list: keyof UrlLists): Set<string> {
  const entries = new Set<string>();
  const words = list === 'hardWords' || list === 'softWords' || list === 'subwords';
  for (const line of text.split('\n')) {
    const entry = line.startsWith('#') ? '' : words ? lettersAndDigits(line) : line.trim();
    if (entry !== '') entries.add(list === 'domains' ? entry.toLowerCase() : entry);
  }
  return entries;
}

/** ASCII letters and digits of `text`, lowered. */
export function lettersAndDigits(text: string): string {
  return text.replace(/[^a-zA-Z0-9]+/g, '').toLowerCase();
}

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

export const builtInUrlLists: UrlLists = {
  domains: new Set(),
  urls: new Set(),
  hardWords: words('porn porno xxx hentai milf camgirls escorts'),
  softWords: words(
    'sex sexy nude adult erotic casino casinos betting gambling slots poker dating fetish webcam',
  ),
  subwords: words('pornhub xvideos xhamster redtube youporn freeporn porntube camsex sexcam onlinecasino'),
};
