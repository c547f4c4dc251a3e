/**
 * English words that the general splitting rules get wrong: contractions that are two words, abbreviations that keep
 * their dot. `wordExceptions.get(chunk)` answers the parts, or undefined.
 *
 * The list is made from tables of stems and endings and covers what spaCy's English exceptions cover of ordinary
 * prose (spacy/lang/en/tokenizer_exceptions.py); emoticons and rare slang are left out.
 */

const pronouns = ['i', 'you', 'he', 'she', 'it', 'we', 'they'];
const questionWords = ['who', 'what', 'when', 'where', 'why', 'how', 'there', 'that'];
const negatable =
  'ca could do does did had may might must need ought sha should wo would ai are is was were have has dare'.split(
    ' ',
  );
const modals = ['could', 'might', 'must', 'should', 'would'];

/** Written without an apostrophe these are words of their own. */
const notContractions = new Set('ill its hell shell shed were well whore'.split(' '));

const abbreviations = (
  'Mr. Mrs. Ms. Dr. Prof. St. Mt. Sr. Jr. Gen. Gov. Rep. Sen. Rev. Messrs. Inc. Ltd. Co. Corp. Bros. vs. v.s. ' +
  'e.g. i.e. E.g. I.e. E.G. I.E. a.m. p.m. Adm. Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. ' +
  "o'clock O'clock ma'am Ma'am and/or w/o 'cause 'em 'll 'nuff 's 're C++"
).split(' ');

function title(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function buildExceptions(): Map<string, readonly string[]> {
  const exceptions = new Map<string, readonly string[]>();
  const add = (stem: string, ...endings: string[]): void => {
    for (const first of [stem, title(stem)]) {
      for (const apostrophe of ["'", '’']) {
        const parts = endings.map((ending) => ending.replace("'", apostrophe));
        exceptions.set(first + parts.join(''), [first, ...parts]);
      }
      const bare = endings.map((ending) => ending.replace("'", ''));
      const joined = first + bare.join('');
      if (!notContractions.has(joined.toLowerCase())) exceptions.set(joined, [first, ...bare]);
    }
  };
  add('i', "'m");
  for (const word of [...pronouns, ...questionWords]) {
    add(word, "'ll");
    add(word, "'ll", "'ve");
    add(word, "'d");
    add(word, "'d", "'ve");
  }
  for (const word of ['i', 'you', 'we', 'they', ...questionWords]) add(word, "'ve");
  for (const word of ['you', 'we', 'they', ...questionWords]) add(word, "'re");
  for (const word of ['he', 'she', 'it', ...questionWords]) add(word, "'s");
  for (const word of negatable) {
    add(word, "n't");
    add(word, "n't", "'ve");
  }
  for (const word of modals) add(word, "'ve");
  for (const first of ['let', 'Let']) {
    for (const end of ["'s", '’s']) exceptions.set(first + end, [first, end]);
  }
  for (const [first, second] of [
    ['can', 'not'],
    ['gon', 'na'],
    ['got', 'ta'],
  ] as const) {
    exceptions.set(first + second, [first, second]);
    exceptions.set(title(first) + second, [title(first), second]);
  }
  for (const abbreviation of abbreviations) exceptions.set(abbreviation, [abbreviation]);
  for (let hour = 1; hour <= 12; hour++) {
    for (const half of ['a.m.', 'am', 'p.m.', 'pm']) exceptions.set(`${hour}${half}`, [String(hour), half]);
  }
  return exceptions;
}

/** Parts by chunk of non-space text, for chunks that are exceptions. */
export const wordExceptions: ReadonlyMap<string, readonly string[]> = buildExceptions();
