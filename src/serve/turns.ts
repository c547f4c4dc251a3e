/**
 * Who is next: the requests take turns, so that one with a hundred prompts does not keep one with a single prompt waiting for all of them. Within a
 * request the order is its own. (vLLM and llama.cpp serve in the order of arrival.)
 */
export class Turns<T> {
  /** In the order of their turns; none is empty. */
  private readonly lines = new Map<object, T[]>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** `of` is the request that the item belongs to. */
  push(of: object, item: T): void {
    const line = this.lines.get(of);
    if (line) line.push(item);
    else this.lines.set(of, [item]);
    this.count++;
  }

  next(): T | undefined {
    for (const [of, line] of this.lines) {
      const item = line.shift();
      this.lines.delete(of);
      // To the end of the row.
      if (line.length > 0) this.lines.set(of, line);
      this.count--;
      return item;
    }
    return undefined;
  }

  /** Takes the item out; says whether it was there. */
  remove(of: object, item: T): boolean {
    const line = this.lines.get(of);
    const at = line?.indexOf(item) ?? -1;
    if (line === undefined || at === -1) return false;
    line.splice(at, 1);
    if (line.length === 0) this.lines.delete(of);
    this.count--;
    return true;
  }
}
