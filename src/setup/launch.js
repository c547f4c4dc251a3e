/**
 * Starts midtrain on any Node: on 24 or newer in this process, below that again on the Node that the npm package `node`
 * brought; in a clone it first builds what changed. Used by the commands in src/bin.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder, isClone, majorOf, ownNode, packageRoot, requiredNode } from './places.js';

/** Starts `midtrain` with the arguments. */
export async function launch(args, root = packageRoot) {
  if (majorOf(process.version) < requiredNode) {
    const node = ownNode(root);
    if (node === undefined) {
      process.stderr.write(`${needsNode(process.version, isClone(root))}\n`);
      process.exitCode = 1;
      return;
    }
    runAndExit(node, [path.join(root, 'src/bin/midtrain.js'), ...args], process.env);
    return;
  }
  // React, under Ink, is several times slower in its development build; it asks for this when it is loaded.
  process.env.NODE_ENV ??= 'production';
  if (args[0] === 'setup' && args.length === 1) {
    // Before the build, which may be what has to be set up. With flags it is the command line's to answer.
    const { setUp } = await import('./setup.js');
    const { orExplain } = await import('./command.js');
    await orExplain(() => setUp(root));
    return;
  }
  if (isClone(root) && process.env.MIDTRAIN_SKIP_BUILD !== '1') {
    const { ensureBuilt } = await import('./build.js');
    const { orExplain } = await import('./command.js');
    await orExplain(() => ensureBuilt(root));
    if (process.exitCode) return;
  }
  const main = path.join(root, 'dist/src/main.js');
  if (!existsSync(main)) {
    process.stderr.write(
      `midtrain: ${main} is missing; cure: ${isClone(root) ? 'npm run setup' : 'install midtrain again'}\n`,
    );
    process.exitCode = 1;
    return;
  }
  module.enableCompileCache?.(path.join(cacheFolder(), 'compiled'));
  process.argv = [process.argv[0], main, ...args];
  await import(pathToFileURL(main).href);
}

/** The one line for a Node that is too old when no newer one is at hand. */
export function needsNode(version, clone) {
  const cure = clone
    ? 'run `npm run setup`, which brings it,'
    : `run \`npm install node@${requiredNode}\` beside it`;
  return `midtrain needs Node ${requiredNode} or newer and this is ${version}: ${cure} or install Node ${requiredNode}`;
}

/** Runs a program in this one's place: same terminal, signals passed on, and this process ends the way it ends. */
export function runAndExit(program, args, env) {
  const child = spawn(program, args, { stdio: 'inherit', env });
  // Ctrl-C on a terminal reaches every process of the group by itself; passing it on would make it two.
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
    if (process.platform === 'win32' && signal !== 'SIGINT' && signal !== 'SIGTERM') continue;
    process.on(signal, () => {
      if (!(signal === 'SIGINT' && onTerminal)) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`midtrain: ${program} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (status, signal) => {
    if (signal === null) process.exit(status ?? 70);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // A signal that does not end this process (SIGKILL elsewhere, or one that is blocked): the shell's number for it.
    setTimeout(() => process.exit(1), 1000);
  });
}
