"""Writes pair_fixtures.json, next to this file: the loss of ReweightOOD and its gradient, by PyTorch in float64.

    python3 Tests/Fixtures/make_pair_fixtures.py

Outputs are drawn on both sides as in make_pytorch_fixtures.py: direction of the label's class (stream 40 + label, scale 1) plus noise (stream
`stream`, scale `spread`), all in float32. The gradient is that of the outputs before they are divided by their length.
"""

import json
import pathlib

import numpy as np
import torch

from make_pytorch_fixtures import check_known_answers, values

CASES = [
    # samples, dimension, spread, labels
    ("two classes, far apart", 4, 0.02, [0, 1, 0, 1]),
    ("three classes", 8, 0.5, [0, 1, 2, 0, 1, 2, 2, 2, 0, 1, 1]),
    ("ten classes", 16, 1.0, [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2]),
    ("noise alone", 5, 50.0, [0, 1, 0, 1, 2, 2]),
    ("one class", 6, 0.3, [2, 2, 2]),
    ("no class twice", 6, 0.3, [0, 1, 2, 3]),
    ("one sample", 6, 0.3, [1]),
]


def loss(outputs, labels):
    f = outputs / outputs.norm(dim=1, keepdim=True)
    i, j = torch.triu_indices(len(labels), len(labels), 1)
    s = (f[i] * f[j]).sum(1)
    same = labels[i] == labels[j]
    positive, negative = s[same], s[~same]
    total = torch.zeros((), dtype=torch.float64)
    if len(positive):
        weight = torch.sigmoid(-(2 * positive - 1)).detach()
        total = total + torch.logsumexp(-weight * positive / 0.1, 0)
    if len(negative):
        weight = torch.sigmoid(5 * negative - 4).detach()
        total = total + torch.logsumexp(weight * negative / 0.1, 0)
    return torch.nn.functional.elu(total)


def case(index, name, dimension, spread, labels):
    stream = 60 + index
    noise = values(len(labels) * dimension, stream, spread).reshape(len(labels), dimension)
    outputs = np.stack([values(dimension, 40 + label, 1) for label in labels]) + noise
    assert outputs.dtype == np.float32
    outputs = torch.tensor(outputs, dtype=torch.float64, requires_grad=True)
    result = loss(outputs, torch.tensor(labels))
    gradient = np.zeros(outputs.shape)
    if result.requires_grad:
        result.backward()
        gradient = outputs.grad.numpy()
    return {
        "name": name, "dimension": dimension, "spread": spread, "stream": stream, "labels": labels,
        "loss": result.item(), "gradient": [float(f"{x:.9g}") for x in gradient.reshape(-1)],
    }


if __name__ == "__main__":
    check_known_answers()
    cases = [case(index, *arguments) for index, arguments in enumerate(CASES)]
    for one in cases:
        print(one["name"], one["loss"])
    path = pathlib.Path(__file__).with_name("pair_fixtures.json")
    path.write_text(json.dumps({"cases": cases}, indent=None) + "\n")
