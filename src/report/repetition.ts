/**
 * Finds a text stuck in a loop: a unit of five or more characters written five or more times in a row, within one line.
 * This is what the regular expression `(.{5,}?)\1{4,}` of the paper's reward code finds (reference: recipe 4.3), without its
 * backtracking. Method: five copies of a unit of length p are a run of 4p characters, each equal to the one p before it. Such a
 * run holds a position that is a multiple of 4p, so only those are looked at and extended to both sides: about n log n in
 * ordinary text and never more than n^2, with n at most `limit`, so a hostile completion costs bounded time.
 */
export function repeats(text: string, limit = 6000): boolean {
  const n = Math.min(text.length, limit);
  const longest = Math.floor(n / 5);
  for (let period = 5; period <= longest; period++) {
    const same = (i: number): boolean => {
      const c = text.charCodeAt(i);
      return c === text.charCodeAt(i - period) && c !== 10;
    };
    const needed = 4 * period;
    for (let anchor = needed; anchor < n; anchor += needed) {
      if (!same(anchor)) continue;
      let first = anchor;
      while (first > period && anchor - first < needed && same(first - 1)) first--;
      let last = anchor;
      while (last + 1 < n && last - first + 1 < needed && same(last + 1)) last++;
      if (last - first + 1 >= needed) return true;
    }
  }
  return false;
}

/** Whether a completion gives its answer before anything else: it begins with `\boxed` (a dollar sign or a bracket may precede). */
export function boxedFirst(completion: string): boolean {
  return /^[\s$]*(?:\\[[(])?\s*\\boxed\b/.test(completion.slice(0, 200));
}
