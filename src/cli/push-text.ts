/** What `midtrain push` and `pull` say: files with their bytes and what becomes of them. Pure. */
import { hubName } from '../io/hub-file.ts';
import type { PushResult } from '../io/hub-push.ts';
import type { PlannedPush } from '../io/hub-push-plan.ts';
import { sizeText } from '../io/plan-unit.ts';
import type { PushFiles } from '../stages/push-files.ts';

const verbs = { new: 'add', replaces: 'replace', same: 'same' } as const;

export function pushFacts({ kind, card }: PushFiles, plan: PlannedPush) {
  const send = plan.files.filter(({ state }) => state !== 'same').length;
  return {
    repository: hubName(plan.repository),
    revision: plan.branch,
    kind,
    card: card ?? null,
    state: plan.state,
    head: plan.head ?? null,
    files: plan.files.map(({ path, bytes, state }) => ({ path, bytes, state })),
    send,
    bytes: plan.bytes,
    untouched: plan.untouched,
    needsYes: send > 0 && !plan.isEmpty,
  };
}

export function pushText(found: PushFiles, plan: PlannedPush): string {
  const facts = pushFacts(found, plan);
  const place = {
    'no repository': 'the repository does not exist (or needs a token to be seen) and would be made',
    'no branch': `the branch ${plan.branch} does not exist and would be made`,
    there: `at ${plan.head?.slice(0, 8) ?? 'no commit'}, ${plan.untouched} files that stay as they are`,
  }[plan.state];
  const width = Math.max(...plan.files.map(({ bytes }) => sizeText(bytes).length));
  return [
    `${facts.repository}@${plan.branch}: ${place}`,
    ...plan.files.map(
      ({ path, bytes, state }) => `  ${verbs[state].padEnd(7)}  ${sizeText(bytes).padStart(width)}  ${path}`,
    ),
    `${found.kind}: ${facts.send} of ${plan.files.length} files to send, ${sizeText(plan.bytes)}, in one commit`,
    ...(facts.needsYes ? ['the repository is not empty: it takes --yes'] : []),
    '',
  ].join('\n');
}

export function resultText(plan: PlannedPush, { commit, url, sent, same }: PushResult): string {
  const name = `${hubName(plan.repository)}@${plan.branch}`;
  if (sent.files === 0 && same === plan.files.length && plan.head === commit)
    return `${name} has all ${same} files already, at ${commit}\n`;
  return `${name}: ${sent.files} files (${sizeText(sent.bytes)}) sent, ${same} were there; the hashes of the commit are those of the files\ncommit ${commit}\n${url}\n`;
}
