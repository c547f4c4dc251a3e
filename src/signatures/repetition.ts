/**
 * Finds a text stuck in a loop: a unit of five or more characters written five or more times in a row, within one line.
 * This is what the regular expression `(.{5,}?)\1{4,}` of the paper's reward code finds (recipe 4.3), without its backtracking.
 *
 * Five copies of a unit of length p are a run of 4p characters, each equal to the one p before it. Such a run holds a position that is a multiple of
 * 4p, so only those are looked at and extended to both sides: n / 4p places for each p, about n log n in all. Texts are looked at in pieces of
 * `pieceLength` characters that overlap by half, so time is linear in the length of the text whatever it holds (a Fibonacci word, which repeats itself as
 * much as a text can without five in a row, costs 1.5 us a character). Given up: a unit of more than 1,638 characters, five of which are longer
 * than half a piece, may go unseen.
 */
const pieceLength = 16_384;

export function repeats(text: string): boolean {
  if (text.length <= pieceLength) return repeatsInPiece(text, 0, text.length);
  for (let start = 0; start < text.length; start += pieceLength / 2) {
    const end = Math.min(text.length, start + pieceLength);
    if (repeatsInPiece(text, start, end)) return true;
    if (end === text.length) break;
  }
  return false;
}

function repeatsInPiece(text: string, from: number, to: number): boolean {
  // A number a character: charCodeAt of a text made by joining costs more each time.
  const n = to - from;
  const codes = new Uint16Array(n);
  for (let i = 0; i < n; i++) codes[i] = text.charCodeAt(from + i);
  const longest = Math.floor(n / 5);
  for (let period = 5; period <= longest; period++) {
    const needed = 4 * period;
    for (let anchor = needed; anchor < n; anchor += needed) {
      if (!same(codes, anchor, period)) continue;
      let first = anchor;
      while (first > period && anchor - first < needed && same(codes, first - 1, period)) first--;
      let last = anchor;
      while (last + 1 < n && last - first + 1 < needed && same(codes, last + 1, period)) last++;
      if (last - first + 1 >= needed) return true;
    }
  }
  return false;
}

/** Line breaks (what `.` does not match) belong to no unit. */
function same(codes: Uint16Array, i: number, period: number): boolean {
  const code = codes[i]!;
  return code === codes[i - period] && code !== 10 && code !== 13 && code !== 0x2028 && code !== 0x2029;
}

/**
 * Whether a completion gives its answer before anything else: it begins with `\boxed` (a dollar sign, a bracket, an opening word such as `Answer:`
 * or asterisks may come before).
 */
export function answersFirst(completion: string): boolean {
  return /^[\s$*]*(?:(?:the )?(?:final )?answer(?: is)?\s*:?[\s$*]*)?(?:\\[[(])?\s*\\boxed\b/i.test(
    completion.slice(0, 200),
  );
}
