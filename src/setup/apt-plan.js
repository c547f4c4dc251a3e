/** What a private apt is told and what it answers. Pure. Sources: apt.conf(5), apt-get(8), deb-version(7). */

/** Already on every machine that can run Node, and tied to its kernel and linker: never taken from a package. */
const fromTheSystem = new Set(['libc6', 'libgcc-s1', 'libstdc++6']);

/** The newest Mesa known to give Dawn no adapter (Debian 12 stock). */
const tooOld = [22, 3, 6];

/**
 * apt.conf for a private apt: its own lists, cache, package status and sources; nothing of the machine's own apt is read
 * but how to reach the network (`dump` is what `apt-config dump` prints), and nothing of it is written.
 */
export function aptConfiguration({ folder, dump }) {
  const network = dump
    .split('\n')
    .filter((line) =>
      /^Acquire::(https?|ForceIPv[46]|Retries|Check-Valid-Until|Check-Date|Queue-Mode)\b/.test(line),
    )
    .filter((line) => !/Verify-(Peer|Host)|AllowInsecure|AllowWeak|AllowDowngrade/i.test(line));
  return [
    ...network,
    `Dir::State "${folder}/state";`,
    `Dir::State::Lists "${folder}/lists";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}/cache";`,
    `Dir::Etc::SourceList "${folder}/midtrain.sources";`,
    'Dir::Etc::SourceParts "/dev/null";',
    'Dir::Etc::Parts "/dev/null";',
    'Dir::Etc::Main "/dev/null";',
    'Dir::Etc::Preferences "/dev/null";',
    'Dir::Etc::PreferencesParts "/dev/null";',
    'Acquire::Languages "none";',
    'Acquire::http::Timeout "30";',
    'Acquire::https::Timeout "30";',
    'APT::Get::AllowUnauthenticated "false";',
    'Acquire::AllowInsecureRepositories "false";',
    'APT::Update::Error-Mode "any";',
    '',
  ].join('\n');
}

/** The packages that `apt-get --print-uris install` names: `{ name, version, bytes, uri }`. */
export function parseUris(text) {
  const packages = [];
  for (const line of text.split('\n')) {
    const match = /^'([^']+)' (\S+)_(\S+)_[^_\s]+\.deb (\d+)/.exec(line);
    if (match === null) continue;
    const [, uri, name, version, bytes] = match;
    packages.push({ name, version: decodeURIComponent(version), bytes: Number(bytes), uri });
  }
  return packages;
}

/** Those to fetch and unpack: all but what the system must bring itself. */
export function packagesToFetch(packages) {
  return packages.filter(({ name }) => !fromTheSystem.has(name) && !/^gcc-\d+-base$/.test(name));
}

/** Upstream version of a Debian version: '2:25.0.7-2~bpo12+1' -> '25.0.7'. */
export function upstreamVersion(version) {
  return version.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
}

/** Whether Dawn accepts this Mesa, as far as is known without trying: anything newer than 22.3.6. */
export function mesaIsAccepted(version) {
  const parts = upstreamVersion(version)
    .split('.')
    .map((part) => Number.parseInt(part, 10) || 0);
  for (const [index, limit] of tooOld.entries()) {
    const part = parts[index] ?? 0;
    if (part !== limit) return part > limit;
  }
  return false;
}
