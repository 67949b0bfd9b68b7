"""Writes ranking_metrics.json: random confidences and the metrics scikit-learn gives for them.

    python3 Tests/Fixtures/make_metric_fixtures.py

Made with scikit-learn 1.9.1 and NumPy 2.
"""

import json
import pathlib

import numpy as np
from sklearn.metrics import auc, precision_recall_curve, roc_curve

CASES = 300


def false_positive_rate(is_out, confidences, drop):
    fpr, tpr, _ = roc_curve(is_out, -confidences, drop_intermediate=drop)
    return fpr[np.argmax(tpr >= 0.95)]


def metrics(inside, outside):
    """OpenOOD's definitions: out-of-distribution is the positive class, except for AUPR_IN."""
    confidences = np.concatenate([inside, outside])
    is_out = np.concatenate([np.zeros(len(inside)), np.ones(len(outside))])
    fpr, tpr, _ = roc_curve(is_out, -confidences)
    precision_in, recall_in, _ = precision_recall_curve(1 - is_out, confidences)
    precision_out, recall_out, _ = precision_recall_curve(is_out, -confidences)
    return [
        false_positive_rate(is_out, confidences, True),
        false_positive_rate(is_out, confidences, False),
        auc(fpr, tpr),
        auc(recall_in, precision_in),
        auc(recall_out, precision_out),
    ]


def draw(generator, kind, count, shift):
    if kind == 0:  # hardly any ties
        values = np.round(generator.normal(shift, 1, count), 3)
    elif kind == 1:  # some ties
        values = np.round(generator.normal(shift, 1, count) * 8) / 8
    elif kind == 2:  # nearly all tied, both zeros
        values = np.round(generator.normal(shift, 1, count)) * np.float32(-1)
    else:  # a softmax that saturates at 1
        values = np.minimum(1, np.round(1 - np.exp(-3 * generator.exponential(1 + shift, count)), 4))
    return values.astype(np.float32)


def main():
    generator = np.random.default_rng(2305_17797)
    cases = []
    for case in range(CASES):
        kind = case % 4
        inside = draw(generator, kind, int(generator.integers(1, 41)), float(generator.choice([0, 0.5, 2])))
        outside = draw(generator, kind, int(generator.integers(1, 41)), 0.0)
        cases.append(
            {
                "inside": [float(str(x)) for x in inside],
                "outside": [float(str(x)) for x in outside],
                "expected": [float(x) for x in metrics(inside, outside)],
            }
        )
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path = pathlib.Path(__file__).with_name("ranking_metrics.json")
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
