/**
 * Draws designer.svg at the root of the repository from a real run: `node test/terminal/picture.ts`. Opens `midtrain design decay-hybrid`
 * on a pseudo-terminal, designs a little, and writes the screen as it stands. Sizes are those of the data cards.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../run-cli.ts';
import { openMidtrain } from './open-midtrain.ts';
import { screenSvg } from './screen-svg.ts';

const cwd = mkdtempSync(join(tmpdir(), 'picture-'));
const terminal = await openMidtrain(['design', 'decay-hybrid', '--tflops', '990'], {
  cwd,
  columns: 110,
  rows: 29,
});
await terminal.waitFor('q quit');
// Less of the web, more problems with worked solutions, the instruction data as it is.
await terminal.press('down');
terminal.type('l');
await terminal.waitFor('instruction stays at 10 %');
await terminal.press('down', 'down');
terminal.type('18');
await terminal.press('enter');
await terminal.waitFor(/openr1-math-220k .* 18\.0 /);
await terminal.press('down');
for (let i = 0; i < 4; i++) await terminal.press('left');
await terminal.waitFor(/openmathinstruct-2 .* 6\.0 /);
await terminal.press('up');
await terminal.quiet(200);
const svg = screenSvg(terminal.cells(), {
  title: 'midtrain design decay-hybrid --tflops 990',
  description:
    'The mixture designer of midtrain in a terminal: sources with their shares as bars, tokens and passes beside them, the shares of QA, long chains of thought and instruction data on gauges with the bands of the paper, steps, time and disk.',
});
writeFileSync(join(repository, 'designer.svg'), svg);
await terminal.close();
rmSync(cwd, { recursive: true, force: true });
