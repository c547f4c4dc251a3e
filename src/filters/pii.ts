/**
 * How many e-mail and public IPv4 addresses a text holds. They are looked for in the text as it is: an address is no less personal
 * inside a formula. No threshold set drops for them (dolma drops above 5); `mask-pii` replaces them in what is written.
 * Source: datatrove PIIFormatter 0.10.
 */
import type { MeasuredText } from '../text/measure-text.ts';
import { findPii } from './mask-pii.ts';
import type { SignalFamily } from './signal.ts';

const counts = { from: 0, to: 40 };

export const pii: SignalFamily = {
  name: 'pii',
  source: 'datatrove PIIFormatter',
  signals: [
    { name: 'pii.email_count', description: 'e-mail addresses', histogram: counts },
    { name: 'pii.ip_count', description: 'public IPv4 addresses', histogram: counts },
  ],
  measure(document: MeasuredText): Float64Array {
    let emails = 0;
    let addresses = 0;
    for (const { kind } of findPii(document.text)) {
      if (kind === 'email') emails++;
      else addresses++;
    }
    return Float64Array.of(emails, addresses);
  },
};
