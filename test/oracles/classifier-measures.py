"""Measures of classifiers as scikit-learn and scipy compute them: writes test/fixtures/classifier-measures.json.

    /path/to/python test/oracles/classifier-measures.py        # scikit-learn, scipy, numpy

Scores with many ties on purpose (rounded to two digits), skewed classes, one class missing, and regressors of 0 to 5.
"""
import json
import os

import numpy
import scipy
import sklearn
from scipy.stats import spearmanr
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    precision_recall_curve,
    roc_auc_score,
)

random = numpy.random.default_rng(7)


def sample(n, share, spread, digits):
    labels = (random.random(n) < share).astype(int)
    scores = 1 / (1 + numpy.exp(-(2 * labels - 1 + random.normal(0, spread, n)) * 2))
    return numpy.round(scores, digits), labels


cases = []
for n, share, spread, digits in [(60, 0.5, 0.8, 2), (400, 0.1, 1.2, 2), (400, 0.9, 0.3, 3), (150, 0.4, 3.0, 1), (37, 0.3, 0.01, 2)]:
    scores, labels = sample(n, share, spread, digits)
    points = []
    for threshold in [0.0, 0.1, 0.25, 0.4, 0.5, 0.9, 0.99]:
        said = (scores >= threshold).astype(int)
        tn, fp, fn, tp = confusion_matrix(labels, said, labels=[0, 1]).ravel()
        precision, recall, f1, _ = precision_recall_fscore_support(labels, said, labels=[0, 1], zero_division=0)
        points.append({
            "threshold": threshold,
            "tp": int(tp), "fp": int(fp), "fn": int(fn), "tn": int(tn),
            "precision": precision[1], "recall": recall[1], "f1": f1[1],
            "negativePrecision": precision[0], "negativeRecall": recall[0], "negativeF1": f1[0],
            "macroF1": f1_score(labels, said, average="macro", zero_division=0),
        })
    observed, mean = calibration_curve(labels, scores, n_bins=10, strategy="uniform")
    curve = precision_recall_curve(labels, scores)
    f1s = 2 * curve[0][:-1] * curve[1][:-1] / numpy.maximum(1e-12, curve[0][:-1] + curve[1][:-1])
    cases.append({
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "rocAuc": roc_auc_score(labels, scores),
        "averagePrecision": average_precision_score(labels, scores),
        "brier": brier_score_loss(labels, scores),
        "points": points,
        "calibration": {"observed": observed.tolist(), "mean": mean.tolist()},
        "bestF1": float(f1s.max()),
        "curve": {"precision": curve[0].tolist(), "recall": curve[1].tolist(), "thresholds": curve[2].tolist()},
    })

regressions = []
for n, spread in [(80, 0.6), (300, 1.5), (40, 4.0)]:
    annotated = random.integers(0, 6, n).astype(float)
    scores = numpy.round((annotated + random.normal(0, spread, n)) * 4) / 4  # ties and halves
    said = numpy.round(numpy.clip(scores, 0, 5)).astype(int)
    regressions.append({
        "scores": scores.tolist(),
        "annotated": annotated.tolist(),
        "meanAbsoluteError": mean_absolute_error(annotated, scores),
        "meanSquaredError": mean_squared_error(annotated, scores),
        "spearman": float(spearmanr(scores, annotated).statistic),
        "intScoreMacroF1": f1_score(annotated.astype(int), said, average="macro", zero_division=0),
        "intScoreAccuracy": float((annotated.astype(int) == said).mean()),
    })

made_by = {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": numpy.__version__}
path = os.path.join(os.path.dirname(__file__), "..", "fixtures", "classifier-measures.json")
with open(path, "w") as file:
    json.dump({"madeBy": made_by, "cases": cases, "regressions": regressions}, file)
    file.write("\n")
