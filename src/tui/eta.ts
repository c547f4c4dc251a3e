/**
 * Rate and time left of a task, as pure functions of (events so far, now).
 *
 * Method: a mean of the rate over time that forgets exponentially, corrected for its short past, so that steady work shows its
 * exact rate from the second event on. The memory grows with the time the task has run (a quarter of it, 5 s to 2 min):
 * short jobs answer quickly, long ones do not jitter. The first event only sets the starting point, so a resumed job that
 * begins at step 5000 does not count those 5000 steps as speed. Gives up: a change of speed in a long job shows after minutes.
 */

export interface RateMeter {
  /** Seconds (any origin) and amount done, at the first and at the latest event. */
  readonly startedAt: number;
  readonly startedWith: number;
  readonly at: number;
  readonly done: number;
  /** Forgetting sum of rate x time share, and of the shares: their ratio is the rate. */
  readonly weightedRate: number;
  readonly weight: number;
  /** Typical seconds between events, to tell a pause between two events from a stall. */
  readonly interval: number;
}

export interface Estimate {
  /** Units per second; undefined until there is something to go by. */
  rate: number | undefined;
  /** Undefined when the total or the rate is unknown, or nothing moves. */
  secondsLeft: number | undefined;
}

const shortestMemory = 5;
const longestMemory = 120;
/** Below this a rate is noise: a few milliseconds between the first two events. */
const shortestSpan = 0.5;
/** Silences longer than this many typical intervals count as a stall and lower the rate. */
const stallIntervals = 3;

export function startMeter(at: number, done: number): RateMeter {
  return { startedAt: at, startedWith: done, at, done, weightedRate: 0, weight: 0, interval: 0 };
}

/** The meter after an event that `done` units are finished at `at` seconds. */
export function advance(meter: RateMeter, at: number, done: number): RateMeter {
  if (done < meter.done) return startMeter(at, done); // the task began again
  const dt = at - meter.at;
  if (dt <= 0) return { ...meter, done };
  const interval = meter.interval === 0 ? dt : meter.interval * 0.8 + dt * 0.2;
  return { ...decay(meter, dt, (done - meter.done) / dt), at, done, interval };
}

/** Units per second over the whole of what was watched; what a resumed job had done before does not count. */
export function meanRate(meter: RateMeter): number | undefined {
  const span = meter.at - meter.startedAt;
  return span < shortestSpan ? undefined : (meter.done - meter.startedWith) / span;
}

export function estimate(meter: RateMeter, now: number, total: number | undefined): Estimate {
  const silence = Math.max(0, now - meter.at);
  const stalled = meter.interval > 0 && silence > Math.max(shortestMemory, stallIntervals * meter.interval);
  const seen = stalled ? decay(meter, silence, 0) : meter;
  const span = meter.at - meter.startedAt;
  const rate = seen.weight > 0 && span >= shortestSpan ? seen.weightedRate / seen.weight : undefined;
  if (rate === undefined || rate <= 0 || total === undefined) return { rate, secondsLeft: undefined };
  const left = Math.max(0, total - meter.done) / rate;
  return { rate, secondsLeft: stalled ? left : Math.max(0, left - silence) };
}

function decay(meter: RateMeter, dt: number, rate: number): RateMeter {
  const elapsed = meter.at + dt - meter.startedAt;
  const memory = Math.min(longestMemory, Math.max(shortestMemory, elapsed / 4));
  const keep = Math.exp(-dt / memory);
  return {
    ...meter,
    weightedRate: meter.weightedRate * keep + rate * (1 - keep),
    weight: meter.weight * keep + (1 - keep),
  };
}
