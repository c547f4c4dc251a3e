/**
 * Which copy of each cluster stays: of the documents that survive so far the one of highest priority, and of equals the first in (unit,
 * index) order. All other survivors of the cluster are dropped. A document that does not survive neither competes nor is dropped
 * again; so a cluster whose best copy a rule drops keeps the next best, and choosing again after a change of rules is one call.
 *
 * Priorities are numbers, higher is better; NaN (not measured) comes after everything, -Infinity included. For `prefer: low` hand in the
 * negated signal; without priorities the first copy stays. Deterministic: the order of the rows does not matter. Source of the rule: datatrove
 * exact dedup (document_priority), with any number for a priority instead of 1 .. 65535.
 */

export interface ClusteredDocuments {
  /** Cluster of each document: a number below 2^32, as in `.clusters` files. */
  cluster: Float64Array;
  /** Place of the unit in unit order. */
  unit: Uint32Array;
  /** Which document of the unit. */
  index: Uint32Array;
  /** Absent: all equal. */
  priority?: Float64Array;
}

/** 1 for each document to drop. `survives`: 1 for each document that competes. */
export function keepBest(documents: ClusteredDocuments, survives: Uint8Array): Uint8Array {
  const { cluster, unit, index, priority } = documents;
  const best = new BestCopies();
  for (let i = 0; i < cluster.length; i++) {
    if (survives[i] === 1) best.offer(cluster[i]!, unit[i]!, index[i]!, priority?.[i]);
  }
  return Uint8Array.from(survives, (survivor, i) =>
    survivor === 1 && !best.isBest(cluster[i]!, unit[i]!, index[i]!) ? 1 : 0,
  );
}

/**
 * The same in two streaming passes, for jobs: offer every survivor, then ask. Memory: 20 bytes a place of a table at most 3/4 full, so 27 to
 * 54 bytes a cluster; a cluster has two documents at least, so 27 bytes a document at worst.
 */
export class BestCopies {
  private places: number;
  private used = 0;
  private clusters: Uint32Array;
  private units: Uint32Array;
  private indices: Uint32Array;
  private priorities: Float64Array;
  /** Clusters are entered as their number + 1 in 32 bits, so number 2^32 - 1 cannot be; there are fewer documents than that. */
  constructor(expectedClusters = 0) {
    this.places = 16;
    while (this.places * 3 < expectedClusters * 4) this.places *= 2;
    this.clusters = new Uint32Array(this.places);
    this.units = new Uint32Array(this.places);
    this.indices = new Uint32Array(this.places);
    this.priorities = new Float64Array(this.places);
  }

  /** Lets a surviving document compete for its cluster. */
  offer(cluster: number, unit: number, index: number, priority = 0): void {
    let place = this.find(cluster);
    if (this.clusters[place] === 0) {
      if (this.used * 4 >= this.places * 3) {
        this.grow();
        place = this.find(cluster);
      }
      this.used++;
    } else if (!this.beats(place, unit, index, priority)) return;
    this.clusters[place] = cluster + 1;
    this.units[place] = unit;
    this.indices[place] = index;
    this.priorities[place] = priority;
  }

  /** Whether this document is the one that stays of its cluster; true as well if nobody of the cluster was offered. */
  isBest(cluster: number, unit: number, index: number): boolean {
    const place = this.find(cluster);
    return this.clusters[place] === 0 || (this.units[place] === unit && this.indices[place] === index);
  }

  private beats(place: number, unit: number, index: number, priority: number): boolean {
    const held = this.priorities[place]!;
    const [mineMissing, heldMissing] = [Number.isNaN(priority), Number.isNaN(held)];
    if (mineMissing !== heldMissing) return heldMissing;
    if (!mineMissing && priority !== held) return priority > held;
    return unit < this.units[place]! || (unit === this.units[place] && index < this.indices[place]!);
  }

  private find(cluster: number): number {
    let place = (Math.imul(cluster, 0x9e3779b1) >>> 8) & (this.places - 1);
    for (;;) {
      const held = this.clusters[place]!;
      if (held === 0 || held === cluster + 1) return place;
      place = (place + 1) & (this.places - 1);
    }
  }

  private grow(): void {
    const { clusters, units, indices, priorities } = this;
    this.places *= 2;
    this.clusters = new Uint32Array(this.places);
    this.units = new Uint32Array(this.places);
    this.indices = new Uint32Array(this.places);
    this.priorities = new Float64Array(this.places);
    for (let from = 0; from < clusters.length; from++) {
      if (clusters[from] === 0) continue;
      const place = this.find(clusters[from]! - 1);
      this.clusters[place] = clusters[from]!;
      this.units[place] = units[from]!;
      this.indices[place] = indices[from]!;
      this.priorities[place] = priorities[from]!;
    }
  }
}
