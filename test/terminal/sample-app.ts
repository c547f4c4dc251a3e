/** A small Ink program that the tests of the terminal drive: a count that arrow keys change, colours, a box; `q` ends with code 3. */
import { Box, render, Text, useApp, useInput, useWindowSize } from 'ink';
import { createElement as h, useState } from 'react';

function App() {
  const [count, setCount] = useState(0);
  const [typed, setTyped] = useState('');
  const { exit } = useApp();
  const { columns, rows } = useWindowSize();
  useInput((input, key) => {
    if (key.upArrow) setCount((n) => n + (key.shift ? 10 : 1));
    else if (key.downArrow) setCount((n) => n - 1);
    else if (key.escape) setTyped('escaped');
    else if (input === 'q') {
      process.exitCode = 3;
      exit();
    } else if (input !== '') setTyped((text) => text + input);
  });
  return h(
    Box,
    { flexDirection: 'column', borderStyle: 'round', width: columns, height: rows },
    h(Text, { color: 'green', bold: true }, `count ${count}`),
    h(Text, { inverse: true }, `typed [${typed}]`),
    h(Text, { color: '#ff8800', dimColor: true }, `size ${columns}x${rows}`),
    ...Array.from({ length: 6 }, (_, i) => h(Text, { key: i }, `line ${i} of the picture that stays`)),
  );
}

const app = render(h(App), { alternateScreen: true, incrementalRendering: true });
await app.waitUntilExit();
process.exit();
