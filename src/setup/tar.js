/** Reads a tar archive from memory: regular files only, as `{ name, bytes }`. Source: POSIX.1-2001 ustar. */

/** Yields the archive's files. Links, folders and devices are stepped over; the caller decides where bytes go. */
export function* tarFiles(archive) {
  for (let at = 0; at + 512 <= archive.length; ) {
    const header = archive.subarray(at, at + 512);
    if (header[0] === 0) return; // the two zero blocks at the end
    const text = (from, length) => header.toString('utf8', from, from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12).trim() || '0', 8);
    if (text(257, 5) !== 'ustar' || !Number.isSafeInteger(size) || at + 512 + size > archive.length) {
      throw new Error(`byte ${at}: not a tar header`);
    }
    const type = text(156, 1);
    if (type === '' || type === '0') {
      const prefix = text(345, 155);
      yield {
        name: prefix ? `${prefix}/${text(0, 100)}` : text(0, 100),
        bytes: archive.subarray(at + 512, at + 512 + size),
      };
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
