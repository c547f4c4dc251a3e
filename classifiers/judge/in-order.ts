/**
 * Works on several items at once and hands the results on in the order of the items, so that nothing written depends on which came first.
 */

/**
 * Results of `work` in the order of `items`; at most `window` items are begun and not handed on. When one throws, no further item is begun,
 * those under way are waited for, and the error of the first in order is thrown. The same happens when the consumer stops early.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  work: (item: Item) => Promise<Result>,
  window: number,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = [];
  const source =
    Symbol.asyncIterator in items
      ? items[Symbol.asyncIterator]()
      : (items[Symbol.iterator]() as Iterator<Item>);
  let ended = false;
  try {
    for (;;) {
      while (!ended && begun.length < window) {
        const next = await source.next();
        if (next.done === true) {
          ended = true;
          break;
        }
        const result = work(next.value);
        result.catch(() => {}); // told when its turn comes
        begun.push(result);
      }
      const first = begun.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(begun);
    if (!ended) await source.return?.();
  }
}
