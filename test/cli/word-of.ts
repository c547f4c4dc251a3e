/** Another word for every number: digits become one and the same when texts are prepared. */
export function wordOf(i: number): string {
  return [...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
}
