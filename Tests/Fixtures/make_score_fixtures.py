#!/usr/bin/env python3
"""Writes score_fixtures.json: confidences of OOD scores by their formulas, in NumPy and double precision.

usage: make_score_fixtures.py        needs numpy

Classifiers, features and training means are drawn once and rounded to single precision, as the scores get them.
Written from the papers' formulas, independently of the Swift scores.
"""

import json
import pathlib

import numpy as np


def lse(z):
    m = z.max(axis=1)
    return m + np.log(np.exp(z - m[:, None]).sum(axis=1))


def softmax(z):
    return np.exp(z - lse(z)[:, None])


def top_mask(h, percentile):
    k = max(h.shape[1] - int(np.rint(h.shape[1] * percentile / 100)), 1)
    mask = np.zeros(h.shape, bool)
    np.put_along_axis(mask, np.argsort(-h, axis=1, kind="stable")[:, :k], True, axis=1)
    return mask, k


def confidences(h, w, b, mean):
    z = h @ w.T + b
    p = softmax(z)
    best = z.argmax(axis=1)
    total = h.sum(axis=1, keepdims=True)
    m90, k90 = top_mask(h, 90)
    m85, _ = top_mask(h, 85)
    factor90 = np.exp(total / (h * m90).sum(axis=1, keepdims=True))
    factor85 = np.exp(total / (h * m85).sum(axis=1, keepdims=True))
    contribution = w * mean
    masked = w * (contribution > np.percentile(contribution, 90))
    between = np.linalg.norm(w[best][:, None, :] - w[None], axis=2)
    np.put_along_axis(between, best[:, None], np.inf, axis=1)
    centred = h - mean
    reach = np.linalg.norm(centred, axis=1)
    largest = -np.sort(-p, axis=1)[:, :100]
    return {
        "msp": p.max(axis=1),
        "t2fnorm": p.max(axis=1),
        "mls": z.max(axis=1),
        "ebo": lse(z),
        "gen": -(largest**0.1 * (1 - largest) ** 0.1).sum(axis=1),
        "mcm": p.max(axis=1),
        "gradnorm": np.abs(h).sum(axis=1) * np.abs(p.shape[1] * p - 1).sum(axis=1),
        "ash": lse((m90 * total / k90) @ w.T + b),
        "ash_p": lse((h * m90) @ w.T + b),
        "ash_s": lse((h * m90 * factor90) @ w.T + b),
        "scale": lse((h * factor85) @ w.T + b),
        "dice": lse(h @ masked.T + b),
        "fdbd": ((z.max(axis=1, keepdims=True) - z) / between).sum(axis=1) / reach,
        "nci": (w[best] * centred).sum(axis=1) / reach + 1e-4 * np.abs(h).sum(axis=1),
    }


def case(generator, classes, dimension, samples):
    single = lambda a: np.round(a, 4).astype(np.float32).astype(np.float64)
    h = single(np.maximum(generator.normal(0.3, 0.6, (samples, dimension)), 0))
    w = single(generator.normal(0, 1 / np.sqrt(dimension), (classes, dimension)))
    b = single(generator.normal(0, 0.1, classes))
    mean = single(np.maximum(generator.normal(0.4, 0.1, dimension), 0))
    listed = lambda a: [round(float(v), 4) for v in a.ravel()]
    return {
        "classes": classes,
        "dimension": dimension,
        "features": listed(h),
        "weights": listed(w),
        "bias": listed(b),
        "mean": listed(mean),
        "confidences": {k: [float(f"{v:.9g}") for v in c] for k, c in confidences(h, w, b, mean).items()},
    }


if __name__ == "__main__":
    generator = np.random.default_rng(7)
    cases = [case(generator, 2, 7, 5), case(generator, 10, 64, 5), case(generator, 101, 33, 3)]
    path = pathlib.Path(__file__).parent / "score_fixtures.json"
    path.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
