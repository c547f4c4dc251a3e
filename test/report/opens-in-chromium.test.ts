/**
 * The page in a real browser: no console error, no request to anywhere, nothing hostile runs. Uses the Chromium or Chrome of the
 * machine (CHROME_PATH, or one on the PATH); skipped where there is none.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loggedRun } from '../../src/report/logged-run.ts';
import { renderReport } from '../../src/report/report.ts';
import { findBrowser, openAll } from './chromium.ts';
import { severalArms } from './make-run-records.ts';

describe('a report in Chromium', () => {
  const browser = findBrowser();

  it('opens without a console message or a request, and hostile names stay text', async (context) => {
    if (browser === undefined) return context.skip('no Chromium or Chrome on this machine (set CHROME_PATH)');
    const attack = `<img src="http://127.0.0.1:9/x" onerror="document.title='pwned'"><script>document.title='pwned'</script>`;
    const runs = severalArms().map((run) => ({
      ...run,
      record: { ...run.record, name: `${run.record.name} ${attack}` },
      ...(run.rollouts === undefined
        ? {}
        : { rollouts: run.rollouts.map((r) => ({ ...r, completion: attack + r.completion })) }),
    }));
    const logged = loggedRun({
      id: 'log',
      name: attack,
      group: attack,
      rows: Array.from({ length: 6 }, (_, step) => ({
        step,
        [`val/test_score/${attack}`]: step / 10,
        reward: 1,
      })),
      files: [{ path: attack, bytes: 1 }],
    });
    const { html } = await renderReport([...runs, logged!], { title: 'Hostile' });
    const folder = mkdtempSync(join(tmpdir(), 'report-page-'));
    const page = join(folder, 'report.html');
    // The same browser with a page that does log and fetch: shows that this test can fail.
    const control = join(folder, 'control.html');
    writeFileSync(page, html);
    writeFileSync(control, `<title>t</title>${attack}<script>console.error('seen')</script>`);
    const [seen, opened] = await openAll(browser, [control, page]);
    rmSync(folder, { recursive: true, force: true });
    expect(seen!.messages.join()).toContain('seen');
    expect(seen!.requests).toContain('http://127.0.0.1:9/x');
    expect(seen!.title).toBe('pwned');
    // data: is the empty icon, which is there so that no server is asked for one.
    expect(opened!.requests.filter((url) => url !== 'data:,')).toEqual([]);
    expect(opened!.messages).toEqual([]);
    expect(opened!.title).toBe('Hostile');
    expect(opened!.text).toContain('Sample responses');
    expect(opened!.text).toContain(`${attack}, accuracy`);
  });
});
