"""Statistics of evaluations as scipy and statsmodels compute them: writes test/fixtures/eval-statistics.json.

    /path/to/python test/oracles/eval-statistics.py        # scipy, statsmodels, numpy

Wilson's interval, McNemar's exact test (mid-p from the binomial), pass@k by counting subsets, and numpy's quantiles.
"""
import itertools
import json
import os

import numpy
import scipy
import statsmodels
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

wilson = [
    [k, n, *map(float, proportion_confint(k, n, alpha=0.05, method="wilson"))]
    for k, n in [(0, 1), (1, 1), (0, 40), (3, 40), (20, 40), (40, 40), (133, 500), (1302, 1319), (5, 100000)]
]
tests = []
for b, c in [(0, 0), (1, 0), (5, 5), (2, 9), (9, 2), (0, 12), (17, 31), (120, 180), (700, 820), (0, 1500)]:
    exact = float(mcnemar([[0, b], [c, 0]], exact=True).pvalue) if b + c else 1.0
    low = min(b, c)
    mid = min(1.0, float(2 * binom.cdf(low, b + c, 0.5) - binom.pmf(low, b + c, 0.5))) if b + c else 1.0
    tests.append([b, c, exact, mid])


def pass_at_k(n, c, k):
    """Share of the subsets of k of n samples that hold one of the c right ones, by listing them."""
    subsets = list(itertools.combinations(range(n), k))
    return sum(min(s) < c for s in subsets) / len(subsets)


passes = [[n, c, k, pass_at_k(n, c, k)] for n in (1, 4, 7, 12) for c in range(n + 1) for k in range(1, n + 1)]
values = [0.1, 0.9, 0.2, 0.4, 0.4, 0.7, 1.0]
quantiles = [[q, float(numpy.quantile(values, q))] for q in (0.0, 0.025, 0.3, 0.5, 0.975, 1.0)]
out = {
    "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": numpy.__version__},
    "wilson": wilson,
    "mcnemar": tests,
    "passAtK": passes,
    "values": values,
    "quantiles": quantiles,
}
with open(os.path.join(os.path.dirname(__file__), "..", "fixtures", "eval-statistics.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
