/**
 * Sorts numbers by a comparison as libstdc++'s std::sort does, equal elements included: fastText orders its dictionary with it, so words
 * of equal count stand in the order that this very algorithm leaves them in, and the order decides the rows of a model.
 *
 * Introsort: quicksort by the median of three down to runs of 16, heapsort when it goes too deep, insertion sort at the end.
 * n log n whatever the input. Source: Musser 1997; libstdc++ bits/stl_algo.h and bits/stl_heap.h.
 */

const shortRun = 16;

type Before = (a: number, b: number) => boolean;

/** Sorts `items` in place; `before(a, b)` says whether `a` must stand before `b` (a strict weak order). */
export function introsort(items: Int32Array, before: Before): void {
  if (items.length < 2) return;
  const depth = 2 * Math.floor(Math.log2(items.length));
  quicksort(items, 0, items.length, depth, before);
  const sortedTo = Math.min(items.length, shortRun);
  for (let at = 1; at < sortedTo; at++) {
    if (before(items[at]!, items[0]!)) {
      const item = items[at]!;
      items.copyWithin(1, 0, at);
      items[0] = item;
    } else sinkLeft(items, at, before);
  }
  for (let at = sortedTo; at < items.length; at++) sinkLeft(items, at, before);
}

/** Moves the item at `at` left over those it belongs before; something that stays must be on its left. */
function sinkLeft(items: Int32Array, at: number, before: Before): void {
  const item = items[at]!;
  while (before(item, items[at - 1]!)) {
    items[at] = items[at - 1]!;
    at--;
  }
  items[at] = item;
}

function quicksort(items: Int32Array, first: number, last: number, depth: number, before: Before): void {
  while (last - first > shortRun) {
    if (depth-- === 0) {
      heapsort(items.subarray(first, last), before);
      return;
    }
    medianToFirst(items, first, first + 1, first + ((last - first) >> 1), last - 1, before);
    const cut = partition(items, first + 1, last, items[first]!, before);
    quicksort(items, cut, last, depth, before);
    last = cut;
  }
}

function swap(items: Int32Array, a: number, b: number): void {
  const item = items[a]!;
  items[a] = items[b]!;
  items[b] = item;
}

/** Swaps the median of the items at a, b and c to `first`. */
function medianToFirst(
  items: Int32Array,
  first: number,
  a: number,
  b: number,
  c: number,
  before: Before,
): void {
  const [x, y, z] = [items[a]!, items[b]!, items[c]!];
  if (before(x, y)) {
    if (before(y, z)) swap(items, first, b);
    else swap(items, first, before(x, z) ? c : a);
  } else if (before(x, z)) swap(items, first, a);
  else swap(items, first, before(y, z) ? c : b);
}

/** Puts items that belong before `pivot` to the left; the pivot's peers stop both scans. Returns where the right part begins. */
function partition(items: Int32Array, first: number, last: number, pivot: number, before: Before): number {
  for (;;) {
    while (before(items[first]!, pivot)) first++;
    last--;
    while (before(pivot, items[last]!)) last--;
    if (first >= last) return first;
    swap(items, first, last);
    first++;
  }
}

function heapsort(items: Int32Array, before: Before): void {
  const { length } = items;
  for (let parent = (length - 2) >> 1; parent >= 0; parent--) {
    sink(items, parent, length, items[parent]!, before);
  }
  for (let last = length - 1; last > 0; last--) {
    const item = items[last]!;
    items[last] = items[0]!;
    sink(items, 0, last, item, before);
  }
}

/** Puts `item` into the heap [0, length) whose place `hole` is free: the hole goes down to a leaf, then the item up from there. */
function sink(items: Int32Array, hole: number, length: number, item: number, before: Before): void {
  const top = hole;
  let child = hole;
  while (child < (length - 1) >> 1) {
    child = 2 * (child + 1);
    if (before(items[child]!, items[child - 1]!)) child--;
    items[hole] = items[child]!;
    hole = child;
  }
  if ((length & 1) === 0 && child === (length - 2) >> 1) {
    child = 2 * (child + 1);
    items[hole] = items[child - 1]!;
    hole = child - 1;
  }
  while (hole > top) {
    const parent = (hole - 1) >> 1;
    if (!before(items[parent]!, item)) break;
    items[hole] = items[parent]!;
    hole = parent;
  }
  items[hole] = item;
}
