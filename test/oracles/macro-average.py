"""The interval of a macro average, computed apart from the product: writes test/fixtures/macro-average.json.

    /path/to/python test/oracles/macro-average.py        # scipy, numpy

For each case (right answers and problems of several benchmarks) the mean of the accuracies, MOVER's limits (Zou, Huang and Zhang 2009) from scipy's Wilson
intervals, and beside them two other ways to the same thing: the delta method (normal) and a bootstrap over the problems within each benchmark.
"""
import json
import os

import numpy
import scipy
from scipy.stats import binomtest

rng = numpy.random.default_rng(1)
cases = [
    [[660, 1319], [250, 500]],
    [[700, 1000], [90, 254], [1200, 5000]],
    [[0, 20], [3, 40]],
    [[40, 40], [30, 30], [12, 12]],
    [[5, 7], [1, 200], [150, 300], [33, 50]],
]
out = []
for case in cases:
    shares = numpy.array([k / n for k, n in case])
    limits = numpy.array([binomtest(k, n).proportion_ci(0.95, method="wilson") for k, n in case])
    size = len(case)
    mean = shares.mean()
    mover = [
        mean - numpy.sqrt(((shares - limits[:, 0]) ** 2).sum()) / size,
        mean + numpy.sqrt(((limits[:, 1] - shares) ** 2).sum()) / size,
    ]
    half = 1.959963984540054 * numpy.sqrt(sum(p * (1 - p) / n for p, (_, n) in zip(shares, case))) / size
    drawn = numpy.mean([rng.binomial(n, k / n, 200_000) / n for k, n in case], axis=0)
    out.append(
        {
            "case": case,
            "mean": float(mean),
            "mover": [float(v) for v in mover],
            "delta": [float(mean - half), float(mean + half)],
            "bootstrap": [float(v) for v in numpy.quantile(drawn, [0.025, 0.975])],
        }
    )
path = os.path.join(os.path.dirname(__file__), "..", "fixtures", "macro-average.json")
with open(path, "w") as f:
    json.dump({"versions": {"scipy": scipy.__version__, "numpy": numpy.__version__}, "cases": out}, f, separators=(",", ":"))
    f.write("\n")
