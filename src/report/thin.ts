/**
 * Fewer points for the same picture. The steps are cut into equal buckets and each gives its lowest and its highest point, so a
 * spike that lasts one step is still drawn (taking every n-th point, or averaging, would hide it).
 */
export interface Point {
  x: number;
  y: number;
}

/** At most `limit` points, in order, the first and last always among them. `limit` must be at least 4. */
export function thin<P extends Point>(points: readonly P[], limit = 1000): P[] {
  if (points.length <= limit) return [...points];
  const buckets = Math.floor((limit - 2) / 2);
  const inner = points.length - 2;
  const out: P[] = [points[0]!];
  for (let b = 0; b < buckets; b++) {
    const from = 1 + Math.floor((b * inner) / buckets);
    const to = 1 + Math.floor(((b + 1) * inner) / buckets);
    let low = from;
    let high = from;
    for (let i = from + 1; i < to; i++) {
      if (points[i]!.y < points[low]!.y) low = i;
      if (points[i]!.y > points[high]!.y) high = i;
    }
    out.push(points[Math.min(low, high)]!);
    if (low !== high) out.push(points[Math.max(low, high)]!);
  }
  out.push(points.at(-1)!);
  return out;
}

/** About `count` of the items, evenly spaced, first and last included: for tables beside charts and hover targets. */
export function evenly<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]!);
}
