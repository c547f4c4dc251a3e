/** Rate and time left from a stream of (seconds, done). */
import { describe, expect, test } from 'vitest';
import { advance, estimate, type RateMeter, startMeter } from '../../src/tui/eta.ts';

/** A meter fed with `count` events, `every` seconds apart, `step` units each. */
function steady(count: number, every: number, step: number, from: RateMeter = startMeter(0, 0)): RateMeter {
  let meter = from;
  for (let i = 0; i < count; i++) meter = advance(meter, meter.at + every, meter.done + step);
  return meter;
}

describe('the rate', () => {
  test('is unknown before the second event', () => {
    expect(estimate(startMeter(0, 0), 3, 100)).toEqual({ rate: undefined, secondsLeft: undefined });
  });

  test('is exact for steady work, from the second event on', () => {
    expect(estimate(steady(1, 2, 10), 2, 100).rate).toBeCloseTo(5, 12);
    expect(estimate(steady(500, 2, 10), 1000, undefined).rate).toBeCloseTo(5, 9);
  });

  test('does not count what a resumed job had done before', () => {
    const meter = advance(startMeter(100, 5000), 110, 5010);
    expect(estimate(meter, 110, 6000).rate).toBeCloseTo(1, 12);
  });

  test('is not shown from the first half second, where it is noise', () => {
    expect(estimate(advance(startMeter(0, 0), 0.01, 1), 0.01, 100).rate).toBeUndefined();
  });

  test('does not depend on how finely the work is reported', () => {
    const fine = estimate(steady(600, 0.1, 1), 60, 1000).rate!;
    const coarse = estimate(steady(6, 10, 100), 60, 1000).rate!;
    expect(fine).toBeCloseTo(coarse, 9);
  });

  test('follows a change of speed within the memory, not at once', () => {
    const slow = steady(60, 1, 10);
    const oneFastStep = estimate(steady(1, 1, 100, slow), 61, undefined).rate!;
    expect(oneFastStep).toBeGreaterThan(10);
    expect(oneFastStep).toBeLessThan(20);
    const longAfter = estimate(steady(120, 1, 100, slow), 180, undefined).rate!;
    expect(longAfter).toBeGreaterThan(80);
  });

  test('starts anew when the amount done goes back', () => {
    const again = advance(steady(50, 1, 10), 51, 0);
    expect(estimate(again, 51, 100).rate).toBeUndefined();
    expect(estimate(steady(4, 1, 3, again), 55, 100).rate).toBeCloseTo(3, 9);
  });

  test('survives two events at the same instant', () => {
    const meter = advance(advance(startMeter(0, 0), 10, 50), 10, 60);
    expect(estimate(meter, 10, 100).rate).toBeCloseTo(5, 9);
  });
});

describe('the time left', () => {
  test('is what remains at the rate, and counts down between events', () => {
    const meter = steady(10, 1, 10);
    expect(estimate(meter, 10, 200).secondsLeft).toBeCloseTo(10, 9);
    expect(estimate(meter, 12, 200).secondsLeft).toBeCloseTo(8, 9);
  });

  test('is never negative and is zero when all is done', () => {
    const meter = steady(10, 1, 10);
    expect(estimate(meter, 10, 100).secondsLeft).toBe(0);
    expect(estimate(meter, 13, 105).secondsLeft).toBe(0);
  });

  test('is unknown without a total, and when nothing moves', () => {
    expect(estimate(steady(10, 1, 10), 10, undefined).secondsLeft).toBeUndefined();
    expect(estimate(steady(10, 1, 0), 10, 100).secondsLeft).toBeUndefined();
  });

  test('grows while a job stalls, instead of standing at zero', () => {
    const meter = steady(60, 1, 10);
    const before = estimate(meter, 60, 1000);
    const stalled = estimate(meter, 120, 1000);
    expect(stalled.rate!).toBeLessThan(before.rate! / 2);
    expect(stalled.secondsLeft!).toBeGreaterThan(before.secondsLeft!);
  });

  test('takes the usual pause between rare events for what it is', () => {
    const meter = steady(5, 30, 1);
    expect(estimate(meter, 150 + 29, 10)).toEqual({
      rate: expect.closeTo(1 / 30, 9),
      secondsLeft: expect.closeTo(150 - 29, 6),
    });
  });
});
