/** Plain loops of SwiGLU (Shazeer 2020): y = silu(gate) * up, and its gradient. gateUp: (rows, 2 * hidden), gate first. */
import type { Buffers, Scalars } from '../kernel.ts';

export function swigluForward(b: Buffers, s: Scalars): void {
  const hidden = s.hidden!;
  for (let row = 0; row < s.rows!; row++) {
    for (let i = 0; i < hidden; i++) {
      const gate = b.gateUp![row * 2 * hidden + i]!;
      b.y![row * hidden + i] = (gate / (1 + Math.exp(-gate))) * b.gateUp![row * 2 * hidden + hidden + i]!;
    }
  }
}

export function swigluBackward(b: Buffers, s: Scalars): void {
  const hidden = s.hidden!;
  for (let row = 0; row < s.rows!; row++) {
    for (let i = 0; i < hidden; i++) {
      const at = row * 2 * hidden + i;
      const gate = b.gateUp![at]!;
      const sigmoid = 1 / (1 + Math.exp(-gate));
      const dy = b.dy![row * hidden + i]!;
      b.dGateUp![at] = dy * b.gateUp![at + hidden]! * sigmoid * (1 + gate * (1 - sigmoid));
      b.dGateUp![at + hidden] = dy * gate * sigmoid;
    }
  }
}
