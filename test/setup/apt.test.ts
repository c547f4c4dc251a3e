/** The private apt: which mirrors it reads, what it may take over from the machine, what it fetches. Nothing is downloaded. */
import { describe, expect, it } from 'vitest';
import {
  aptConfiguration,
  mesaIsAccepted,
  packagesToFetch,
  parseUris,
  upstreamVersion,
} from '../../src/setup/apt-plan.js';
import {
  formatSources,
  parseDeb822,
  parseOneLine,
  planSources,
  releaseOf,
} from '../../src/setup/apt-sources.js';

const debian12 = `Types: deb
# a comment between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: https://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
`;

describe('releaseOf', () => {
  it('reads Debian and Ubuntu, quoted or not', () => {
    expect(releaseOf('ID=debian\nVERSION_CODENAME=bookworm\n')).toEqual({
      distribution: 'debian',
      codename: 'bookworm',
    });
    expect(releaseOf('ID="ubuntu"\nID_LIKE=debian\nVERSION_CODENAME="noble"\n')).toEqual({
      distribution: 'ubuntu',
      codename: 'noble',
    });
  });
  it('takes a derivative for the release that it is built on', () => {
    expect(
      releaseOf('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=virginia\nUBUNTU_CODENAME=jammy\n'),
    ).toEqual({ distribution: 'ubuntu', codename: 'jammy' });
  });
  it('knows no other system', () => {
    expect(releaseOf('ID=fedora\nVERSION_ID=44\n')).toBeUndefined();
  });
});

describe('planSources', () => {
  const plan = (entries: unknown[], more = {}) =>
    planSources({
      entries,
      distribution: 'debian',
      codename: 'bookworm',
      architecture: 'amd64',
      keyring: '/k.gpg',
      ...more,
    });

  it("keeps the machine's own mirror and key and adds backports on the same mirror for Debian 12", () => {
    const { entries, target } = plan(parseDeb822(debian12));
    expect(target).toBe('bookworm-backports');
    const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
    expect(entries).toEqual([
      { uris: ['http://mirror.example/debian'], suites: ['bookworm'], components: ['main'], signedBy: key },
      {
        uris: ['http://mirror.example/debian'],
        suites: ['bookworm-updates'],
        components: ['main'],
        signedBy: key,
      },
      {
        uris: ['https://mirror.example/debian-security'],
        suites: ['bookworm-security'],
        components: ['main'],
        signedBy: key,
      },
      {
        uris: ['http://mirror.example/debian'],
        suites: ['bookworm-backports'],
        components: ['main'],
        signedBy: key,
      },
    ]);
  });

  it('takes over neither third parties nor an option that turns the signature check off', () => {
    const lines = `deb [trusted=yes arch=amd64] http://mirror.example/debian bookworm main
deb [signed-by=/k/tool.gpg] https://tools.example/apt stable main
deb https://tools.example/node nodistro main
deb-src http://mirror.example/debian bookworm main
# deb http://commented.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main`;
    const { entries } = plan(parseOneLine(lines), { codename: 'bookworm' });
    expect(entries.map((entry: { uris: string[] }) => entry.uris[0])).toEqual([
      'http://mirror.example/debian',
      'http://mirror.example/debian',
    ]);
    expect(formatSources(entries)).not.toMatch(/trusted/i);
  });

  it("falls back to the distribution's own archive, signed by its keyring, when the machine names none", () => {
    const { entries, target } = plan([], { codename: 'trixie' });
    expect(target).toBeUndefined();
    expect(entries).toEqual([
      {
        uris: ['http://deb.debian.org/debian'],
        suites: ['trixie'],
        components: ['main'],
        signedBy: '/k.gpg',
      },
    ]);
    const arm = plan([], { distribution: 'ubuntu', codename: 'noble', architecture: 'arm64' });
    expect(arm.entries[0]?.uris).toEqual(['http://ports.ubuntu.com/ubuntu-ports']);
  });

  it('writes an embedded key out as it was', () => {
    const entries = parseDeb822(
      'Types: deb\nURIs: http://m.example/debian\nSuites: trixie\nComponents: main\nSigned-By:\n -----BEGIN PGP-----\n .\n abc\n -----END PGP-----\n',
    );
    expect(formatSources(entries)).toContain(
      'Signed-By: -----BEGIN PGP-----\n .\n abc\n -----END PGP-----\n',
    );
  });
});

describe('aptConfiguration', () => {
  const dump = `Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::Verify-Peer "false";
Acquire::AllowInsecureRepositories "true";
Acquire::Check-Valid-Until "false";
APT::Update::Post-Invoke:: "rm -rf /var/cache/apt";
Dir::State::Lists "lists/";`;
  const text = aptConfiguration({ folder: '/tmp/x', dump });

  it('takes over how the machine reaches the network, and nothing else', () => {
    expect(text).toContain('Acquire::http::Proxy "http://proxy.example:3128";');
    expect(text).toContain('Acquire::Check-Valid-Until "false";');
    expect(text).not.toContain('Post-Invoke');
    expect(text).not.toContain('Verify-Peer');
    expect(text).toContain('Acquire::AllowInsecureRepositories "false";');
    expect(text).not.toContain('Acquire::AllowInsecureRepositories "true";');
  });
  it('keeps every folder that apt writes to inside its own', () => {
    for (const key of [
      'Dir::State',
      'Dir::State::Lists',
      'Dir::State::status',
      'Dir::Cache',
      'Dir::Etc::SourceList',
    ]) {
      expect(text).toMatch(new RegExp(`^${key} "/tmp/x/`, 'm'));
    }
    expect(text).toContain('Dir::Etc::SourceParts "/dev/null";');
  });
});

describe('the packages that apt names', () => {
  const uris = `'http://m.example/pool/main/g/gcc-12/gcc-12-base_12.2.0-14%2bdeb12u1_amd64.deb' gcc-12-base_12.2.0-14+deb12u1_amd64.deb 37596 MD5Sum:8e
'http://m.example/pool/main/g/glibc/libc6_2.36-9_amd64.deb' libc6_2.36-9_amd64.deb 2759320 MD5Sum:8d
'http://m.example/pool/main/l/llvm/libllvm15_15.0.6-4%2bb1_amd64.deb' libllvm15_1%3a15.0.6-4+b1_amd64.deb 23115156 MD5Sum:9a
'http://m.example/pool/main/m/mesa/mesa-vulkan-drivers_25.0.7-2%7ebpo12%2b1_amd64.deb' mesa-vulkan-drivers_25.0.7-2~bpo12+1_amd64.deb 11366132 
some other line`;
  it('are read with epoch, size and address', () => {
    const packages = parseUris(uris);
    expect(packages).toHaveLength(4);
    expect(packages[2]).toMatchObject({ name: 'libllvm15', version: '1:15.0.6-4+b1', bytes: 23115156 });
    expect(packages[3]).toMatchObject({
      name: 'mesa-vulkan-drivers',
      version: '25.0.7-2~bpo12+1',
      bytes: 11366132,
    });
  });
  it('are fetched without the C library and its kind', () => {
    expect(packagesToFetch(parseUris(uris)).map(({ name }: { name: string }) => name)).toEqual([
      'libllvm15',
      'mesa-vulkan-drivers',
    ]);
  });
});

describe('mesaIsAccepted', () => {
  it('refuses the stock Mesa of Debian 12 and older, accepts what is newer', () => {
    expect(mesaIsAccepted('22.3.6-1+deb12u1')).toBe(false);
    expect(mesaIsAccepted('20.3.5-1')).toBe(false);
    expect(mesaIsAccepted('25.0.7-2~bpo12+1')).toBe(true);
    expect(mesaIsAccepted('23.2.1-1ubuntu3.1~22.04.3')).toBe(true);
    expect(upstreamVersion('2:25.0.7-2~bpo12+1')).toBe('25.0.7');
  });
});
