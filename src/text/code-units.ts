/**
 * The UTF-16 code units of a string as a typed array, in memory that is used again.
 *
 * A loop over `text.charCodeAt(i)` asks for the string's inner form at every step: 4 ns a character. Copying the string out once costs
 * 0.3 ns a character and a loop over the copy 1.5 ns, so every pass over whole documents reads code units from here.
 */

/** Longer texts get an array of their own, which is not kept. */
const keptUnits = 1 << 21;

export class UnitReader {
  private bytes = Buffer.alloc(0);
  private units = new Uint16Array(0);

  /**
   * The code units of `text` in 0 .. text.length - 1 of the result, lone surrogates as they are, then one line end as a sentinel.
   * The result is longer than the text and valid until the next call.
   */
  read(text: string): Uint16Array {
    const needed = text.length + 1;
    let { bytes, units } = this;
    if (units.length < needed) {
      const memory = new ArrayBuffer(2 * Math.max(needed, Math.min(2 * units.length, keptUnits), 4096));
      bytes = Buffer.from(memory);
      units = new Uint16Array(memory);
      if (units.length <= keptUnits) {
        this.bytes = bytes;
        this.units = units;
      }
    }
    bytes.write(text, 0, 'utf16le');
    units[text.length] = 0x0a;
    return units;
  }
}
