/**
 * Licences by the Hub's identifiers and what they ask of whoever uses the data: pure tables and rules, no legal advice.
 *
 * `licenceWarnings` says which sources forbid, or burden, the use that was asked for; `joinedLicence` which licence a product of several
 * sources can carry. A licence that is not known stays so: nobody can tell what it allows.
 *
 * Sources: identifiers, https://huggingface.co/docs/hub/repositories-licenses. Duties: the licences' own texts (CC BY-NC 4.0 section 2a1,
 * CC BY-ND 4.0 section 2a1B, CC BY-SA 4.0 section 3b, ODC-By 1.0 section 4, ODbL 1.0 section 4.4, Llama 3.1 Community License section 1b
 * (names of models, "Built with Llama") and section 2 (700 million users), Gemma Terms section 3).
 */

/** What the result is for. */
export const uses = ['research', 'commercial', 'redistribute'] as const;
export type Use = (typeof uses)[number];

/** What a licence asks. Where a key is absent, it does not. */
export interface Duties {
  /** Names and notices go along. */
  attribution?: true;
  nonCommercial?: true;
  /** Changed copies may not be shared; a mixture or a filtered corpus is one. */
  noDerivatives?: true;
  /** Changed copies carry the same licence. */
  shareAlike?: true;
  /** Terms of use go along (acceptable-use policy, or the licence's own list). */
  useTerms?: true;
  /** Models trained on it, or on what its models wrote, carry this in their name. */
  modelName?: string;
  researchOnly?: true;
}

const attribution = { attribution: true } as const;
const free = {} as const;
const nc = { ...attribution, nonCommercial: true } as const;
const sa = { ...attribution, shareAlike: true } as const;
const llama = { ...attribution, useTerms: true } as const;

const known: Record<string, Duties> = {
  'cc0-1.0': free,
  pddl: free,
  unlicense: free,
  wtfpl: free,
  'cdla-permissive-2.0': attribution,
  'cdla-permissive-1.0': attribution,
  'cdla-sharing-1.0': sa,
  mit: attribution,
  'apache-2.0': attribution,
  'bsd-2-clause': attribution,
  'bsd-3-clause': attribution,
  isc: attribution,
  'odc-by': attribution,
  odbl: sa,
  'c-uda': attribution,
  'cc-by-2.0': attribution,
  'cc-by-2.5': attribution,
  'cc-by-3.0': attribution,
  'cc-by-4.0': attribution,
  'cc-by-sa-3.0': sa,
  'cc-by-sa-4.0': sa,
  'cc-by-nc-2.0': nc,
  'cc-by-nc-3.0': nc,
  'cc-by-nc-4.0': nc,
  'cc-by-nd-4.0': { ...attribution, noDerivatives: true },
  'cc-by-nc-nd-3.0': { ...nc, noDerivatives: true },
  'cc-by-nc-nd-4.0': { ...nc, noDerivatives: true },
  'cc-by-nc-sa-2.0': { ...nc, shareAlike: true },
  'cc-by-nc-sa-3.0': { ...nc, shareAlike: true },
  'cc-by-nc-sa-4.0': { ...nc, shareAlike: true },
  gfdl: sa,
  'gpl-3.0': sa,
  'gpl-2.0': sa,
  'agpl-3.0': sa,
  openrail: { ...attribution, useTerms: true },
  'bigscience-openrail-m': { ...attribution, useTerms: true },
  gemma: { ...attribution, useTerms: true },
  llama2: llama,
  llama3: { ...llama, modelName: 'Llama 3' },
  'llama3.1': { ...llama, modelName: 'Llama' },
  'llama3.2': { ...llama, modelName: 'Llama' },
  'llama3.3': { ...llama, modelName: 'Llama' },
  llama4: { ...llama, modelName: 'Llama' },
  'fair-noncommercial-research-license': { ...nc, researchOnly: true },
  'h-research': { ...nc, researchOnly: true },
  'intel-research': { ...nc, researchOnly: true },
  'apple-amlr': { ...nc, researchOnly: true },
};

/** The other identifiers that the Hub accepts in a card; their duties are not in the table above. */
const otherIds =
  'afl-3.0 apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0 bsd bsd-3-clause-clear bsl-1.0 cc creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gpl lgpl lgpl-2.1 lgpl-3.0 lgpl-lr lppl-1.3c mpl-2.0 ms-pl ncsa ofl-1.1 openmdw-1.0 openrail++ osl-3.0 postgresql zlib unknown other'.split(
    ' ',
  );

/** Every identifier that the Hub takes as `license:`. */
export const hubLicences: readonly string[] = [...Object.keys(known), ...otherIds].sort();

/** The duties of a licence, or undefined where this table does not know them. */
export function dutiesOf(license: string): Duties | undefined {
  return Object.hasOwn(known, license) ? known[license] : undefined;
}

/** A source of data, as far as its licence goes. */
export interface LicensedSource {
  name: string;
  license: string;
  /** Of `license: other`. */
  licenseName?: string | undefined;
  generatedBy?: readonly { model: string; license: string }[];
  gated?: boolean;
}

/**
 * One sentence for each licence that forbids or burdens the use, naming source, licence and what it forbids. Without a use: only what is
 * not known, and what forbids commercial use or changed copies, since nobody said that neither is wanted.
 */
export function licenceWarnings(sources: readonly LicensedSource[], use?: Use): string[] {
  return sources.flatMap((source) => [
    ...ofLicence(source, use),
    ...ofModels(source, use),
    ...ofGate(source, use),
  ]);
}

function ofLicence({ name, license, licenseName }: LicensedSource, use: Use | undefined): string[] {
  const called = licenseName === undefined ? license : `${license} (${licenseName})`;
  if (license === 'unknown')
    return [
      `${name}: the licence of its data is not known, so nobody can tell whether ${purpose(use)} is allowed`,
    ];
  const duties = dutiesOf(license);
  if (duties === undefined)
    return [
      `${name}: its licence, ${called}, is not in the table of this program: read it before ${purpose(use)}`,
    ];
  const forbids: string[] = [];
  const asks: string[] = [];
  if (duties.nonCommercial && use !== 'research')
    (use === 'redistribute' ? asks : forbids).push(
      use === 'redistribute' ? 'commercial use stays forbidden to whoever gets it' : 'commercial use',
    );
  if (duties.noDerivatives && use !== 'research' && use !== 'commercial') forbids.push('changed copies');
  if (use === 'redistribute') {
    if (duties.shareAlike) asks.push('the result must carry the same licence');
    if (duties.researchOnly) asks.push('for research only');
    if (duties.modelName !== undefined)
      asks.push(`models trained on it must have "${duties.modelName}" at the beginning of their name`);
  }
  if (duties.useTerms && use !== undefined && use !== 'research') asks.push('its terms of use go along');
  return [
    ...(forbids.length > 0
      ? [`${name}: the licence of its data, ${called}, forbids ${forbids.join(' and ')}`]
      : []),
    ...(asks.length > 0 ? [`${name}: the licence of its data, ${called}, asks: ${asks.join('; ')}`] : []),
  ];
}

function ofModels({ name, generatedBy = [] }: LicensedSource, use: Use | undefined): string[] {
  if (use === undefined || use === 'research') return [];
  return generatedBy.flatMap(({ model, license }) => {
    const duties = dutiesOf(license);
    if (license === 'unknown' || duties === undefined)
      return [`${name}: its text was written by ${model}, whose terms (${license}) are not known here`];
    const asks = [
      ...(duties.nonCommercial ? ['no commercial use'] : []),
      ...(duties.modelName === undefined
        ? []
        : [
            `a model trained on it and made available must have "${duties.modelName}" at the beginning of its name and say "Built with ${duties.modelName}"`,
          ]),
      ...(duties.useTerms ? ['its acceptable-use policy binds'] : []),
    ];
    return asks.length === 0
      ? []
      : [`${name}: its text was written by ${model}, whose licence ${license} asks: ${asks.join('; ')}`];
  });
}

function ofGate({ name, gated }: LicensedSource, use: Use | undefined): string[] {
  return gated === true && use === 'redistribute'
    ? [
        `${name}: the Hub gives its files only to those who accept its conditions, so passing them on passes these by`,
      ]
    : [];
}

function purpose(use: Use | undefined): string {
  return use === 'redistribute'
    ? 'passing the result on'
    : use === undefined
      ? 'what you mean to do'
      : `${use} use`;
}

export interface JoinedLicence {
  /** An identifier of the Hub: the strictest of the sources where it covers the others; `unknown`, or `other`. */
  license: string;
  /** Of `other`: the licences of the parts. */
  name?: string;
  /** Why, in a sentence. */
  why: string;
}

/**
 * The licence that a product of these sources can carry: the one whose duties cover those of all others. `unknown` as soon as one is not known;
 * `other` where none covers all (two that share alike, changed copies that may not be shared, different licences with equal duties).
 */
export function joinedLicence(licences: readonly string[]): JoinedLicence {
  const ids = [...new Set(licences)].sort();
  if (ids.length === 0) return { license: 'unknown', why: 'no source says under which licence its data is' };
  if (ids.includes('unknown')) return { license: 'unknown', why: 'the licence of a source is not known' };
  const list = ids.join(', ');
  const withDuties = ids.map((id) => ({ id, duties: dutiesOf(id) }));
  const other = (why: string): JoinedLicence => ({ license: 'other', name: list, why });
  const strange = withDuties.filter(({ duties }) => duties === undefined).map(({ id }) => id);
  if (strange.length > 0)
    return ids.length === 1
      ? { license: ids[0]!, why: 'the licence of every source' }
      : other(`what ${strange.join(', ')} asks is not known here`);
  if (withDuties.some(({ duties }) => duties!.noDerivatives))
    return other('a source may not be shared in changed copies');
  if (ids.length === 1) return { license: ids[0]!, why: 'the licence of every source' };
  const covering = withDuties.filter(({ id, duties }) =>
    withDuties.every((one) => one.id === id || (covers(duties!, one.duties!) && !one.duties!.shareAlike)),
  );
  const [only] = covering;
  return covering.length === 1
    ? { license: only!.id, why: `the strictest of ${list}` }
    : other(
        covering.length === 0
          ? 'no licence of a source covers those of the others'
          : 'licences with equal duties cannot stand for each other',
      );
}

function covers(strict: Duties, loose: Duties): boolean {
  return (Object.keys(loose) as (keyof Duties)[]).every((key) => strict[key] !== undefined);
}
