/**
 * What a shared library calls itself and which libraries it needs, read from its ELF dynamic section.
 * 64-bit little-endian only, which is every platform that Dawn's Linux build supports. Source: System V ABI, chapter 5.
 */
import { closeSync, openSync, readSync } from 'node:fs';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;
const DT_SONAME = 14n;

/** `{ soname, needed }` of the library, or undefined when the file is not such a library. Reads only what it must. */
export function readElf(file) {
  const handle = openSync(file, 'r');
  try {
    const read = (offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(handle, bytes, 0, length, offset));
    };
    const header = read(0, 64);
    if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1)
      return undefined;
    const segments = [];
    const table = Number(header.readBigUInt64LE(32));
    const size = header.readUInt16LE(54);
    const count = header.readUInt16LE(56);
    const entries = read(table, size * count);
    for (let at = 0; at + size <= entries.length; at += size) {
      segments.push({
        type: entries.readUInt32LE(at),
        offset: Number(entries.readBigUInt64LE(at + 8)),
        address: Number(entries.readBigUInt64LE(at + 16)),
        length: Number(entries.readBigUInt64LE(at + 32)),
      });
    }
    const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
    if (dynamic === undefined) return undefined;
    const values = read(dynamic.offset, dynamic.length);
    const needed = [];
    let soname;
    let stringsAt = 0;
    let stringsLength = 0;
    for (let at = 0; at + 16 <= values.length; at += 16) {
      const tag = values.readBigUInt64LE(at);
      const value = Number(values.readBigUInt64LE(at + 8));
      if (tag === 0n) break;
      if (tag === DT_NEEDED) needed.push(value);
      if (tag === DT_SONAME) soname = value;
      if (tag === DT_STRTAB) stringsAt = value;
      if (tag === DT_STRSZ) stringsLength = value;
    }
    const holder = segments.find(
      (segment) =>
        segment.type === PT_LOAD &&
        stringsAt >= segment.address &&
        stringsAt < segment.address + segment.length,
    );
    if (holder === undefined) return undefined;
    const strings = read(stringsAt - holder.address + holder.offset, stringsLength);
    const text = (at) => strings.toString('latin1', at, strings.indexOf(0, at));
    return { soname: soname === undefined ? undefined : text(soname), needed: needed.map(text) };
  } finally {
    closeSync(handle);
  }
}

/**
 * The libraries that `roots` need, from those in `library(name)`, dependencies before dependents, roots included.
 * Names that `library` does not know (libc and its kind) are left to the system. Pure given `library`.
 *
 * @param roots sonames to start from
 * @param library soname -> { needed: string[] } | undefined
 */
export function dependencyOrder(roots, library) {
  const seen = new Set();
  const order = [];
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    const found = library(name);
    if (found === undefined) return;
    for (const next of found.needed) visit(next);
    order.push(name);
  };
  for (const root of roots) visit(root);
  return order;
}
