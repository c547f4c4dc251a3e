/**
 * The tree of a hierarchical softmax, rebuilt from the label counts as fastText does when it loads a model.
 *
 * Nodes 0 to labels - 1 are the labels, most frequent first as training sorted them; the others are inner nodes in the order they
 * are made, the root last. Inner node i owns row i - labels of the output matrix. Counts must be below 1e15 (the reader checks).
 * Source: fastText 0.9.3, loss.cc (buildTree); Mikolov et al. 2013, section 2.1.
 */

export interface HuffmanTree {
  labels: number;
  root: number;
  /** int32 [2 * labels - 1]; -1 for labels. */
  left: Int32Array;
  right: Int32Array;
  /** int32 [2 * labels - 1]; -1 for the root. */
  parent: Int32Array;
}

export function huffmanTree(counts: ArrayLike<number>): HuffmanTree {
  const labels = counts.length;
  const nodes = 2 * labels - 1;
  const left = new Int32Array(nodes).fill(-1);
  const right = new Int32Array(nodes).fill(-1);
  const parent = new Int32Array(nodes).fill(-1);
  const count = new Float64Array(nodes).fill(1e15);
  for (let label = 0; label < labels; label++) count[label] = counts[label]!;
  let leaf = labels - 1;
  let inner = labels;
  const rarest = (): number => (leaf >= 0 && count[leaf]! < count[inner]! ? leaf-- : inner++);
  for (let node = labels; node < nodes; node++) {
    const first = rarest();
    const second = rarest();
    left[node] = first;
    right[node] = second;
    count[node] = count[first]! + count[second]!;
    parent[first] = node;
    parent[second] = node;
  }
  return { labels, root: nodes - 1, left, right, parent };
}
