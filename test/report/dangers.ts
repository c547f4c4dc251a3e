/** What a page must not hold, whatever its data say, and a text that tries to bring it in. */

/** Everything in a page that could fetch or run something; styles hold sizes and colours alone. */
export function dangers(document: Document): string[] {
  const found: string[] = [];
  for (const element of document.querySelectorAll('*')) {
    const name = element.localName;
    if (
      [
        'script',
        'img',
        'iframe',
        'object',
        'embed',
        'base',
        'form',
        'video',
        'audio',
        'image',
        'use',
        'foreignobject',
      ].includes(name.toLowerCase())
    )
      found.push(name);
    for (const { name: key, value } of element.attributes) {
      if (/^on/i.test(key) || key === 'srcset' || key === 'src') found.push(`${name}[${key}]`);
      if (/href$/i.test(key) && !value.startsWith('#') && value !== 'data:,')
        found.push(`${name}[${key}=${value}]`);
      if (
        key === 'style' &&
        !/^(?:(?:width|left|background|color):[\w.%()-]+;?)+$/.test(value) &&
        !/^font-|^background: none/.test(value)
      )
        found.push(`style ${value}`);
      if (/url\s*\(/i.test(value)) found.push(`${name}[${key}=${value}]`);
    }
  }
  for (const style of document.querySelectorAll('style'))
    if (/url\s*\(|@import|https?:/i.test(style.textContent ?? '')) found.push('style sheet');
  return found;
}

export const payload = `</title></style></svg><script>document.title='pwned'</script><img src=x onerror="document.title='pwned'">'"\`\u0000\u202e{{7*7}}](javascript:alert(1))|\n# x`;
