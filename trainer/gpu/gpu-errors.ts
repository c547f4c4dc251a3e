/** What can go wrong with a GPU that is nobody's mistake in the code: not enough memory, and a device that is gone. */
import { UserError } from '../../src/core/errors.ts';

/** A buffer that the device does not give: larger than it binds, or than what is left of its memory. */
export class OutOfMemoryError extends UserError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, {
      hint: 'lower micro_batch_size or sequence_length; `--dry-run` prints what a run needs',
      ...options,
    });
    this.name = 'OutOfMemoryError';
  }
}

/**
 * The device is gone: unplugged, reset by its driver, or taken away. Nothing on it can be read any more, and a process whose Vulkan
 * instance lost its device gets no working one again (three.js and torchlette start a new process, too), so whoever goes on does so from a
 * checkpoint in a new process.
 */
export class DeviceLostError extends UserError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, {
      hint: 'start again with the same command: training goes on from the last checkpoint',
      ...options,
    });
    this.name = 'DeviceLostError';
  }
}
