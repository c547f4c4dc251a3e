/**
 * Plain loops of the gated MLP's activation (Shazeer 2020): y = act(gate) * up, and its gradient. act is silu, or with `gelu` the tanh form
 * of GELU (Hendrycks and Gimpel 2016; transformers' gelu_pytorch_tanh). gateUp: (rows, 2 * hidden), gate first.
 */
import type { Buffers, Scalars } from '../kernel.ts';

/** The activation and its derivative. */
function activation(x: number, gelu: boolean): { value: number; slope: number } {
  if (!gelu) {
    const sigmoid = 1 / (1 + Math.exp(-x));
    return { value: x * sigmoid, slope: sigmoid * (1 + x * (1 - sigmoid)) };
  }
  const c = Math.sqrt(2 / Math.PI);
  const t = Math.tanh(c * (x + 0.044715 * x ** 3));
  return {
    value: 0.5 * x * (1 + t),
    slope: 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x),
  };
}

export function gatedMlpForward(b: Buffers, s: Scalars): void {
  const hidden = s.hidden!;
  for (let row = 0; row < s.rows!; row++) {
    for (let i = 0; i < hidden; i++) {
      const at = row * 2 * hidden + i;
      b.y![row * hidden + i] = activation(b.gateUp![at]!, s.gelu === 1).value * b.gateUp![at + hidden]!;
    }
  }
}

export function gatedMlpBackward(b: Buffers, s: Scalars): void {
  const hidden = s.hidden!;
  for (let row = 0; row < s.rows!; row++) {
    for (let i = 0; i < hidden; i++) {
      const at = row * 2 * hidden + i;
      const { value, slope } = activation(b.gateUp![at]!, s.gelu === 1);
      const dy = b.dy![row * hidden + i]!;
      b.dGateUp![at] = dy * b.gateUp![at + hidden]! * slope;
      b.dGateUp![at + hidden] = dy * value;
    }
  }
}
