/**
 * A file or folder of the Hub where a path of this disk is wanted, such as a mixture to train on, a list of addresses or a fastText model: all of
 * it is fetched into the cache that Python shares, each file held against its hash, and read there.
 */
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { hubName, parseHubRepository } from './hub-file.ts';
import { carryOutPull, planPull } from './hub-pull.ts';
import type { HubOptions } from './hub-settings.ts';
import { isPattern } from './path-pattern.ts';

/** Where `hf://[datasets/]owner/name[@revision][/path]` lies once it is fetched, and its address with the commit. Throws an `InputError` when it cannot be had. */
export async function fetchHubPlace(
  given: string,
  options: HubOptions = {},
  emit: Emit = silent,
): Promise<{ place: string; address: string }> {
  const address = parseHubRepository(given);
  const { path } = address;
  if (isPattern(path))
    throw new UserError(`${given}: one file or folder is wanted here, not a pattern`, {
      hint: 'name the file or folder itself',
    });
  const plan = await planPull(address, { exclude: ['.gitattributes'] }, options);
  const folder = await carryOutPull(plan, undefined, options, plan.bytes > 0 ? emit : silent);
  const pinned = `${hubName(address)}@${plan.commit}${path === '' ? '' : `/${path}`}`;
  return { place: path === '' ? folder : join(folder, path), address: pinned };
}
