/**
 * Which package archives a private apt reads: the machine's own mirrors of its distribution, plus backports where the
 * stock Mesa is too old for Dawn. Pure. Formats: sources.list(5), both the one-line and the deb822 style.
 */

/** Releases whose stock Mesa gives Dawn no adapter while their backports' does. Debian 12 stock is Mesa 22.3.6. */
const needsBackports = { debian: ['bookworm'] };

/** Where a distribution's packages are when the machine names no mirror of its own. */
function defaultArchive(distribution, architecture) {
  if (distribution === 'debian') return 'http://deb.debian.org/debian';
  return architecture === 'amd64'
    ? 'http://archive.ubuntu.com/ubuntu'
    : 'http://ports.ubuntu.com/ubuntu-ports';
}

/** `{ distribution: 'debian' | 'ubuntu', codename }` from /etc/os-release, or undefined for any other system. */
export function releaseOf(osRelease) {
  const value = (key) => new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
  const family = [value('ID'), ...value('ID_LIKE').split(' ')];
  // A derivative names the Ubuntu release it is built on; its own codename is not in Ubuntu's archive.
  if (family.includes('ubuntu')) {
    const codename = value('UBUNTU_CODENAME') || value('VERSION_CODENAME');
    return codename ? { distribution: 'ubuntu', codename } : undefined;
  }
  if (family.includes('debian')) {
    const codename = value('DEBIAN_CODENAME') || value('VERSION_CODENAME');
    return codename ? { distribution: 'debian', codename } : undefined;
  }
  return undefined;
}

/** Entries of a one-line style file (`deb [signed-by=...] URI suite components`). */
export function parseOneLine(text) {
  const entries = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri, suite, components] = match;
    entries.push({
      uris: [uri],
      suites: [suite],
      components: components.trim().split(/\s+/),
      signedBy: /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1],
    });
  }
  return entries;
}

/** Entries of a deb822 style file (`Types:`, `URIs:`, `Suites:`, ...; a key may be embedded under `Signed-By:`). */
export function parseDeb822(text) {
  const entries = [];
  const withoutComments = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const stanza of withoutComments.join('\n').split(/\n\s*\n/)) {
    const fields = {};
    let key;
    for (const line of stanza.split('\n')) {
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match !== null) {
        key = match[1].toLowerCase();
        fields[key] = match[2];
      } else if (key !== undefined && /^\s/.test(line)) fields[key] += `\n${line}`;
    }
    const words = (name) => (fields[name] ?? '').split(/\s+/).filter(Boolean);
    if (!words('types').includes('deb') || /^(no|false|0)$/i.test(fields.enabled ?? '')) continue;
    const signedBy = fields['signed-by']?.trim();
    entries.push({
      uris: words('uris'),
      suites: words('suites'),
      components: words('components'),
      signedBy: signedBy || undefined,
    });
  }
  return entries;
}

/**
 * The archives to read and the release to take Mesa from.
 *
 * Only entries for this release's own suites are taken over, with their mirror and key, never third parties, and never an
 * option that turns signature checks off.
 *
 * @returns `{ entries, target }`; `target` is the suite for `apt-get -t`, undefined for the ordinary choice
 */
export function planSources({ entries, distribution, codename, architecture, keyring }) {
  const suites = [codename, `${codename}-updates`, `${codename}-security`];
  const wanted = distribution === 'debian' ? ['main'] : ['main', 'universe'];
  const own = [];
  for (const entry of entries) {
    const components = entry.components.filter((name) => wanted.includes(name));
    const uris = entry.uris.filter((uri) => /^(https?|mirror\+https?|file):/.test(uri));
    for (const suite of entry.suites.filter((name) => suites.includes(name))) {
      if (uris.length > 0 && components.length > 0)
        own.push({ uris, suites: [suite], components, signedBy: entry.signedBy });
    }
  }
  let base = own.find((entry) => entry.suites[0] === codename);
  if (base === undefined) {
    base = {
      uris: [defaultArchive(distribution, architecture)],
      suites: [codename],
      components: ['main'],
      signedBy: keyring,
    };
    own.unshift(base);
  }
  if (!(needsBackports[distribution] ?? []).includes(codename)) return { entries: own, target: undefined };
  const backports = `${codename}-backports`;
  return { entries: [...own, { ...base, suites: [backports], components: ['main'] }], target: backports };
}

/** The entries as a deb822 file. */
export function formatSources(entries) {
  return entries
    .map((entry) =>
      [
        'Types: deb',
        `URIs: ${entry.uris.join(' ')}`,
        `Suites: ${entry.suites.join(' ')}`,
        `Components: ${entry.components.join(' ')}`,
        ...(entry.signedBy === undefined ? [] : [`Signed-By: ${entry.signedBy}`]),
        '',
      ].join('\n'),
    )
    .join('\n');
}
