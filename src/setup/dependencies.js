/**
 * The npm packages: are they what package-lock.json says, and if not, `npm ci`.
 *
 * The comparison reads npm's own hidden lock file in node_modules, so packages that someone installed with npm by hand
 * count, and no stamp of ours can go stale.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run, SetupError, say, tail } from './command.js';
import { majorOf, ownNode, requiredNode } from './places.js';

/**
 * Why node_modules does not fit package-lock.json, or undefined when it does. Pure.
 * Packages that another platform or nobody needs (`optional`, `os`, `cpu`) may be missing.
 */
export function dependencyProblem(lock, installed) {
  if (installed === undefined) return 'node_modules is not there yet';
  for (const [place, wanted] of Object.entries(lock.packages)) {
    if (place === '' || wanted.link) continue;
    const found = installed.packages[place];
    if (found === undefined) {
      if (wanted.optional || wanted.devOptional || wanted.os || wanted.cpu) continue;
      return `${place} is missing`;
    }
    if (found.version !== wanted.version)
      return `${place} is ${found.version}, package-lock.json says ${wanted.version}`;
  }
  return undefined;
}

/** Installs the packages if they are not there or stale. Returns whether anything was done. */
export async function ensureDependencies(root) {
  const lock = readJson(path.join(root, 'package-lock.json'));
  if (lock === undefined)
    throw new SetupError(`${root}: package-lock.json is missing; take it from the repository`);
  const problem = dependencyProblem(lock, readJson(path.join(root, 'node_modules', '.package-lock.json')));
  if (problem !== undefined) {
    const count = Object.keys(lock.packages).length - 1;
    say(
      `npm packages: ${problem}; npm ci installs up to ${count} packages from the npm registry into node_modules ` +
        '(from an empty cache about 415 MB to fetch, 990 MB on disk, two or three minutes)',
    );
    // Else the install script of ONNX Runtime fetches CUDA libraries (over 200 MB) from another server, GPU or not.
    const env = { ONNXRUNTIME_NODE_INSTALL: 'skip', ...process.env };
    const result = await npm(['ci', '--include=dev', '--no-audit', '--no-fund'], root, { env });
    if (result.status !== 0) {
      throw new SetupError(
        `npm ci failed:\n${npmErrors(result)}\nCure: check that the npm registry can be reached (npm ping) and that ` +
          'package.json and package-lock.json belong together (npm install mends them), then run npm run setup again.',
      );
    }
  }
  if (majorOf(process.version) < requiredNode && ownNode(root) === undefined) {
    say(`Node ${requiredNode}: the npm package "node" brings it; running its install script`);
    const result = await npm(['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts'], root);
    if (result.status !== 0 || ownNode(root) === undefined) {
      throw new SetupError(
        `node_modules/node holds no Node ${requiredNode} for ${process.platform}-${process.arch}:\n${tail(result)}\n` +
          `Cure: install Node ${requiredNode} or newer on this machine and run npm run setup again.`,
      );
    }
    return true;
  }
  return problem !== undefined;
}

/** npm's own words about what went wrong: it puts the cause first and pages of usage after it. */
function npmErrors(result) {
  const lines = result.stderr.split('\n').filter((line) => /^npm error\s+\S/.test(line));
  return lines.length > 0 ? lines.slice(0, 15).join('\n') : tail(result);
}

/** Runs npm: the one that started us if we run under it, else the one on PATH. */
export function npm(args, cwd, options = {}) {
  const script = process.env.npm_execpath;
  return script && /npm-cli\.c?js$/.test(script) && existsSync(script)
    ? run(process.execPath, [script, ...args], { cwd, ...options })
    : run('npm', args, { cwd, ...options });
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
