/**
 * Mesa's software Vulkan driver (lavapipe) under the user's cache folder, from the machine's own Debian or Ubuntu mirror.
 *
 * A private apt fetches the driver and what it depends on, with apt's signature checks; `dpkg -x` unpacks; only the
 * libraries that the driver really needs are kept, flat in one folder, each under its soname. The system is not touched
 * and nobody needs to be root. With `MIDTRAIN_APT=1`, and only then, the same packages are installed system-wide instead.
 */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { aptConfiguration, mesaIsAccepted, packagesToFetch, parseUris, upstreamVersion } from './apt-plan.js';
import { formatSources, parseDeb822, parseOneLine, planSources, releaseOf } from './apt-sources.js';
import { megabytes, run, SetupError, say, tail, withScratch } from './command.js';
import { dependencyOrder, readElf } from './elf.js';

const wanted = ['mesa-vulkan-drivers', 'libvulkan1'];
const driver = 'libvulkan_lvp.so';
const loader = 'libvulkan.so.1';

/** The newest lavapipe unpacked in the cache, as the files of an adapter entry; undefined when there is none. */
export function unpackedLavapipe(cache) {
  if (!existsSync(cache)) return undefined;
  const folders = readdirSync(cache)
    .filter(
      (name) =>
        /^mesa-\d/.test(name) &&
        !name.includes('.partial') &&
        existsSync(path.join(cache, name, 'lvp_icd.json')),
    )
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const newest = folders.at(-1);
  return newest === undefined ? undefined : adapterFiles(path.join(cache, newest));
}

function adapterFiles(folder) {
  const lib = path.join(folder, 'lib');
  const names = readdirSync(lib);
  const library = (name) => (names.includes(name) ? readElf(path.join(lib, name)) : undefined);
  const order = dependencyOrder([loader, driver], library).filter((name) => name !== driver);
  return { libraries: order.map((name) => path.join(lib, name)), icd: path.join(folder, 'lvp_icd.json') };
}

/** Fetches and unpacks lavapipe. Returns the files of an adapter entry. Throws SetupError with the reason and the cure. */
export async function fetchLavapipe(cache) {
  return inPrivateApt(async (apt) => {
    const packages = packagesToFetch(apt.packages);
    const bytes = packages.reduce((sum, { bytes: size }) => sum + size, 0);
    const target = path.join(cache, `mesa-${apt.mesa.version.replace(/[^\w.+~-]/g, '_')}`);
    say(
      `adapter: fetching Mesa ${upstreamVersion(apt.mesa.version)} (${packages.length} packages, ${megabytes(bytes)}) from ${apt.mirror}`,
    );
    const debs = path.join(apt.folder, 'debs');
    const download = await apt.get(
      ['-qq', 'download', ...packages.map(({ name, version }) => `${name}=${version}`)],
      debs,
    );
    if (download.status !== 0)
      throw new SetupError(`apt-get download failed:\n${tail(download)}\nCure: run npm run setup again.`);
    const partial = `${target}.partial-${process.pid}`;
    await withScratch(partial, async () => {
      const root = path.join(partial, 'root');
      mkdirSync(root, { recursive: true });
      for (const name of readdirSync(debs).filter((file) => file.endsWith('.deb'))) {
        const unpack = await run('dpkg', ['-x', path.join(debs, name), root]);
        if (unpack.status !== 0) {
          throw new SetupError(
            `dpkg -x ${name} failed:\n${tail(unpack)}\nCure: free at least 400 MB under ${cache}.`,
          );
        }
      }
      keepWhatIsNeeded(root, partial, target);
      rmSync(root, { recursive: true, force: true });
      rmSync(target, { recursive: true, force: true });
      renameSync(partial, target);
    });
    say(`adapter: unpacked to ${target} (${megabytes(folderBytes(target))}); the system itself is untouched`);
    return adapterFiles(target);
  });
}

/** Installs the drivers system-wide. Only called when the user asked with MIDTRAIN_APT=1. */
export async function installSystemWide() {
  await inPrivateApt(async (apt) => {
    const root = process.getuid?.() === 0;
    say(
      `adapter: MIDTRAIN_APT=1: installing ${wanted.join(' and ')} ${apt.mesa.version} system-wide${root ? '' : ' with sudo'}`,
    );
    // The machine's own package status, so that dpkg really installs; lists and sources stay the private ones.
    const args = [
      ...apt.targetArgs,
      '-o',
      'Dir::State::status=/var/lib/dpkg/status',
      '-y',
      '--no-install-recommends',
      'install',
      ...wanted,
    ];
    const environment = `APT_CONFIG=${apt.configuration}`;
    const command = root ? ['env', environment] : ['sudo', '-n', 'env', environment];
    const result = await run(command[0], [
      ...command.slice(1),
      'DEBIAN_FRONTEND=noninteractive',
      'LC_ALL=C',
      'apt-get',
      ...args,
    ]);
    if (result.status !== 0) {
      throw new SetupError(
        `the system-wide installation failed:\n${tail(result)}\n` +
          'Cure: run it as root or with sudo, or leave MIDTRAIN_APT unset: then the driver goes into your cache folder.',
      );
    }
  });
}

/** Makes a private apt in a temporary folder, reads the package lists, names the closure, and hands both to `work`. */
async function inPrivateApt(work) {
  const release = existsSync('/etc/os-release')
    ? releaseOf(readFileSync('/etc/os-release', 'utf8'))
    : undefined;
  if (release === undefined)
    throw new SetupError('lavapipe is fetched with apt, and this is neither Debian nor Ubuntu');
  const architecture = (await run('dpkg', ['--print-architecture'])).stdout.trim();
  if (architecture === '') throw new SetupError('lavapipe is fetched with apt, and dpkg is not there');
  return withScratch(mkdtempSync(path.join(tmpdir(), 'midtrain-apt-')), async (folder) => {
    const keyring = `/usr/share/keyrings/${release.distribution}-archive-keyring.gpg`;
    const plan = planSources({
      ...release,
      architecture,
      entries: machineSources(),
      keyring: existsSync(keyring) ? keyring : undefined,
    });
    const configuration = await layOut(folder, plan);
    const env = { ...process.env, APT_CONFIG: configuration, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
    const get = (args, cwd = folder) => run('apt-get', args, { cwd, env, timeout: 900_000 });
    const mirror = plan.entries[0].uris[0];
    say(
      `adapter: reading the package lists of ${plan.entries.map(({ suites }) => suites[0]).join(', ')} from ${mirror} (about 10 MB)`,
    );
    const update = await get(['-qq', 'update']);
    if (update.status !== 0) {
      throw new SetupError(
        `the package lists cannot be read:\n${tail(update)}\n` +
          `Cure: check the network and the mirror in /etc/apt (it must carry ${plan.entries.at(-1).suites[0]}).`,
      );
    }
    const targetArgs = plan.target === undefined ? [] : ['-t', plan.target];
    const uris = await get([
      '-qq',
      '--print-uris',
      '--no-install-recommends',
      ...targetArgs,
      'install',
      ...wanted,
    ]);
    const packages = parseUris(uris.stdout);
    const mesa = packages.find(({ name }) => name === wanted[0]);
    if (uris.status !== 0 || mesa === undefined) {
      throw new SetupError(
        `apt cannot resolve ${wanted.join(' and ')}:\n${tail(uris)}\nCure: check the mirror in /etc/apt.`,
      );
    }
    if (!mesaIsAccepted(mesa.version)) {
      throw new SetupError(
        `${release.codename} offers Mesa ${mesa.version}, which gives Dawn no adapter: a newer release is needed`,
      );
    }
    return await work({ folder, configuration, get, packages, mesa, mirror, targetArgs });
  });
}

/** Writes the private apt's folders and files; returns the path of its configuration. */
async function layOut(folder, plan) {
  const asRoot = process.getuid?.() === 0;
  for (const name of ['lists', 'cache/archives', 'state', 'debs'])
    mkdirSync(path.join(folder, name), { recursive: true });
  writeFileSync(path.join(folder, 'status'), '');
  writeFileSync(path.join(folder, 'midtrain.sources'), formatSources(plan.entries));
  if (asRoot) {
    // apt downloads as the user _apt then, who must be able to get here.
    chmodSync(folder, 0o755);
    const sandbox = /^_apt:[^:]*:(\d+):(\d+)/m.exec(readFileSync('/etc/passwd', 'utf8'));
    if (sandbox !== null) chownSync(path.join(folder, 'debs'), Number(sandbox[1]), Number(sandbox[2]));
  }
  const dump = await run('apt-config', ['dump'], { env: { ...process.env, LC_ALL: 'C' } });
  if (dump.status !== 0) throw new SetupError('lavapipe is fetched with apt, and apt-config is not there');
  const file = path.join(folder, 'apt.conf');
  writeFileSync(file, aptConfiguration({ folder, dump: dump.stdout }));
  return file;
}

function machineSources() {
  const entries = [];
  const read = (file) => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  entries.push(...parseOneLine(read('/etc/apt/sources.list')));
  const parts = '/etc/apt/sources.list.d';
  for (const name of existsSync(parts) ? readdirSync(parts).sort() : []) {
    if (name.endsWith('.list')) entries.push(...parseOneLine(read(path.join(parts, name))));
    if (name.endsWith('.sources')) entries.push(...parseDeb822(read(path.join(parts, name))));
  }
  return entries;
}

/** From the unpacked tree: the driver's and the loader's closure into lib/, the licences, and an ICD file for `target`. */
function keepWhatIsNeeded(root, partial, target) {
  const files = new Map();
  const icds = [];
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) walk(file);
      else if (/\.so(\.|$)/.test(entry.name)) files.set(entry.name, file);
      else if (/^lvp_icd.*\.json$/.test(entry.name)) icds.push(file);
    }
  };
  walk(root);
  const library = (name) => (files.has(name) ? readElf(realpathSync(files.get(name))) : undefined);
  const order = dependencyOrder([loader, driver], library);
  if (icds[0] === undefined || !order.includes(loader) || !order.includes(driver)) {
    throw new SetupError(`the Mesa packages hold no ${driver}; this architecture has no lavapipe`);
  }
  mkdirSync(path.join(partial, 'lib'));
  for (const name of order) copyFileSync(realpathSync(files.get(name)), path.join(partial, 'lib', name));
  const icd = JSON.parse(readFileSync(icds[0], 'utf8'));
  icd.ICD.library_path = path.join(target, 'lib', driver);
  writeFileSync(path.join(partial, 'lvp_icd.json'), `${JSON.stringify(icd, null, 2)}\n`);
  const documents = path.join(root, 'usr/share/doc');
  mkdirSync(path.join(partial, 'licences'));
  for (const name of readdirSync(documents)) {
    const copyright = path.join(documents, name, 'copyright');
    if (existsSync(copyright)) copyFileSync(copyright, path.join(partial, 'licences', name));
  }
}

function folderBytes(folder) {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    bytes += entry.isDirectory() ? folderBytes(file) : lstatSync(file).size;
  }
  return bytes;
}
