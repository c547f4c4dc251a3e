"""Statistics over seeds as scipy computes them: writes test/fixtures/seed-statistics.json.

    /path/to/python test/oracles/seed-statistics.py        # scipy, numpy

Student's t (two-sided tails and critical values, whole and broken degrees of freedom), paired t intervals and tests, Holm's correction by its
definition, the normal distribution, and BCa intervals of means from 400,000 resamples.
"""
import json
import os

import numpy
import scipy
from scipy import stats

dfs = [0.5, 1, 2, 2.7, 3, 4, 9, 19, 29, 99.5, 1000, 1e6]
critical = [[out, df, float(stats.t.isf(out / 2, df))] for df in dfs for out in (0.9, 0.5, 0.1, 0.05, 0.01, 0.05 / 45, 1e-6)]
tails = [[t, df, float(2 * stats.t.sf(t, df))] for df in dfs for t in (1e-6, 0.1, 0.7, 1, 2, 4.3, 12.7, 100)]
rng = numpy.random.default_rng(8)
paired = []
for n in (2, 3, 4, 5, 9, 10, 25):
    for shift in (0, 0.6, 2):
        a = [round(float(v), 4) for v in rng.normal(0.3, 0.1, n)]
        b = [round(float(v + shift * 0.1 + e), 4) for v, e in zip(a, rng.normal(0, 0.1, n))]
        test = stats.ttest_rel(b, a)
        for level in (0.95, 0.99):
            ci = test.confidence_interval(level)
            paired.append([a, b, level, float(ci.low), float(ci.high), float(test.pvalue)])


def holm(ps):
    order = numpy.argsort(ps, kind="stable")
    out = [0.0] * len(ps)
    most = 0.0
    for rank, i in enumerate(order):
        most = max(most, min(1.0, ps[i] * (len(ps) - rank)))
        out[i] = most
    return out


corrections = [[ps, holm(ps)] for ps in ([0.01], [0.04, 0.01, 0.03, 0.005], [0.5, 0.9, 0.02], [0.02, 0.02, 0.02], [0.0001, 0.3, 0.04, 0.012, 0.9])]
normal = [[x, float(stats.norm.cdf(x))] for x in (-7, -3, -1.96, -0.5, 0, 0.1, 1, 2.5, 5)]
bca = []
for values in (
    [round(float(v), 4) for v in rng.normal(0.02, 0.03, 10)],
    [round(float(v), 4) for v in rng.exponential(0.05, 12)],
    [round(float(-v), 4) for v in rng.lognormal(0, 1, 30)],
    [0.1, 0, 0, 0, 0.1, 0, 0, 0, 0, 0.1, 0.2, 0],
):
    for level in (0.9, 0.95):
        ci = stats.bootstrap((values,), numpy.mean, n_resamples=400_000, batch=20_000, confidence_level=level, method="BCa", rng=1).confidence_interval
        bca.append([values, level, float(ci.low), float(ci.high)])
out = {
    "versions": {"scipy": scipy.__version__, "numpy": numpy.__version__},
    "critical": critical,
    "tails": tails,
    "paired": paired,
    "holm": corrections,
    "normal": normal,
    "bca": bca,
}
with open(os.path.join(os.path.dirname(__file__), "..", "fixtures", "seed-statistics.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
