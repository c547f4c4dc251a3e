"""Makes test/fixtures/regressor/heads.json: regression heads that PyTorch and scikit-learn fit to given embeddings.

  python test/oracles/regressor_heads.py test/fixtures/regressor/heads.json

Needs torch, numpy, scikit-learn. AdamW: the same start, the same batches in the same order, linear schedule, f32 as PyTorch trains.
Ridge: scikit-learn's closed form in double precision. int_score: NumPy's round of the clipped value. macro-F1: scikit-learn.
"""
import json, sys
import numpy as np, torch
from sklearn.linear_model import Ridge
from sklearn.metrics import f1_score

rows, dimensions, hidden, batch, epochs, lr, decay = 60, 6, 4, 16, 5, 3e-3, 0.01
rng = np.random.default_rng(3)
x = rng.normal(size=(rows, dimensions)).astype(np.float32)
y = np.clip(np.round(2.5 + x @ rng.normal(size=dimensions) + 0.3 * rng.normal(size=rows)), 0, 5)
order = [rng.permutation(rows).tolist() for _ in range(epochs)]

def fit(layers, start):
    model = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), start): parameter.copy_(torch.tensor(value, dtype=torch.float32))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay)
    total, step, losses = epochs * -(-rows // batch), 0, []
    for epoch in order:
        for at in range(0, rows, batch):
            index = epoch[at : at + batch]
            optimizer.param_groups[0]["lr"] = lr * (1 - step / total)
            loss = torch.nn.functional.mse_loss(model(torch.tensor(x[index])).squeeze(-1), torch.tensor(y[index], dtype=torch.float32))
            optimizer.zero_grad(); loss.backward(); optimizer.step(); step += 1; losses.append(loss.item())
    return [v for p in model.parameters() for v in p.detach().flatten().tolist()], losses

def head(layers):
    start = [rng.uniform(-0.4, 0.4, size=tuple(p.shape)).round(4) for p in torch.nn.Sequential(*layers).parameters()]
    weights, losses = fit(layers, start)
    return {"start": [v for s in start for v in s.flatten().tolist()], "weights": weights, "losses": losses}

scores = [-0.0, 0.5, 1.5, 2.5, 3.5, 4.5, -3, 7, 2.499999, 2.500001, 4.999, 0.49999999999999994]
ridge = {}
for alpha in (0.1, 1.0, 10.0):
    model = Ridge(alpha=alpha, solver="cholesky").fit(x.astype(np.float64), y)
    ridge[str(alpha)] = {"weight": model.coef_.tolist(), "bias": float(model.intercept_)}
predicted = x @ rng.normal(size=dimensions) + 2.5
json.dump({
    "embeddings": [[float(v) for v in row] for row in x], "targets": y.tolist(), "order": order, "batch": batch, "lr": lr, "weightDecay": decay,
    "hidden": hidden, "linear": head([torch.nn.Linear(dimensions, 1)]),
    "dense": head([torch.nn.Linear(dimensions, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 1)]), "ridge": ridge,
    "rounding": {"scores": scores, "rounded": [float(v) for v in np.round(scores)], "int": [int(v) for v in np.round(np.clip(scores, 0, 5))]},
    "metrics": {"scores": predicted.tolist(), "macroF1": f1_score(y.astype(int), np.round(np.clip(predicted, 0, 5)).astype(int), average="macro"),
                "f1At3": f1_score(y >= 3, np.round(np.clip(predicted, 0, 5)) >= 3), "mse": float(np.mean((predicted - y) ** 2))},
}, open(sys.argv[1], "w"))
