/** What of a document a fastText classifier scores. In a file of its own, since configurations need the names and not the classifier. */

/** Of paragraphs or sentences the largest score counts. */
export const units = ['document', 'paragraph', 'sentence'] as const;
export type ScoredUnit = (typeof units)[number];
