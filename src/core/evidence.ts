/**
 * How well a figure taken from the paper is known. Weights, learning rates and templates carry one of these tags from the YAML
 * to the plan, the exports and the report, so nobody mistakes a recollection for a measurement. (reference: recipe section 0)
 *
 * confirmed  read in a primary source (the authors' code, data or text)
 * summary    a third party's summary of the paper
 * recalled   a table that could only be remembered, not read
 * unknown    not found anywhere; a stand-in chosen here
 * own        not the paper's: this project's or the user's choice
 */
export const evidenceTags = ['confirmed', 'summary', 'recalled', 'unknown', 'own'] as const;
export type Evidence = (typeof evidenceTags)[number];
