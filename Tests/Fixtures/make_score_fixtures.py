#!/usr/bin/env python3
"""Writes score_fixtures.json: confidences of OOD scores by their formulas, in NumPy and double precision.

usage: make_score_fixtures.py        needs numpy

Classifiers, features, training, validation and outlier sets are drawn once and rounded to single precision, as the scores get them.
Record i of a set has label i mod K; outliers have none. Written from the papers' formulas, independently of the Swift scores.
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


def temperature(z, y):
    """PyTorch's LBFGS(lr=0.01, max_iter=50) on the mean cross-entropy of z / T, from T = 1.5."""

    def loss(t):
        p = softmax(z / t)
        own = z[np.arange(len(y)), y]
        return (lse(z / t) - own / t).mean(), (own - (p * z).sum(axis=1)).mean() / t**2

    t = 1.5
    f, g = loss(t)
    d, rho = -g, 1.0
    for k in range(50):
        if g * d > -1e-9:
            break
        move = 0.01 * d * (min(1.0, 1 / abs(g)) if k == 0 else 1.0)
        t += move
        f_new, g_new = loss(t)
        if (g_new - g) * move > 1e-10:
            rho = move / (g_new - g)
        stop = abs(g_new) <= 1e-7 or abs(move) <= 1e-9 or abs(f_new - f) < 1e-9
        f, g = f_new, g_new
        d = -rho * g
        if stop:
            break
    return t


def divergence(p, p_val):
    k = p.shape[1]
    pred = p_val.argmax(axis=1)
    q = np.stack([p_val[pred == c].mean(axis=0) if (pred == c).any() else np.eye(k)[c] for c in range(k)])
    with np.errstate(divide="ignore"):
        return -np.array([(row * np.log(row / q)).sum(axis=1).min() for row in p])


def squared_mahalanobis(x, mean, covariance):
    precision = np.linalg.pinv(covariance, rcond=len(covariance) * np.finfo(float).eps, hermitian=True)
    return np.einsum("ni,ij,nj->n", x - mean, precision, x - mean)


def gaussians(h, train, y):
    """The squared distances to each class's mean with the shared covariance, and to the mean of all with its own."""
    classes = range(y.max() + 1)
    means = np.stack([train[y == c].mean(axis=0) for c in classes])
    within = np.cov((train - means[y]).T, bias=True)
    own = np.stack([squared_mahalanobis(h, means[c], within) for c in classes], axis=1)
    return own, squared_mahalanobis(h, train.mean(axis=0), np.cov(train.T, bias=True))


def residual_norm(h, fitted, w, b, dim):
    origin = -np.linalg.pinv(w) @ b
    moment = (fitted - origin).T @ (fitted - origin) / len(fitted)
    values, vectors = np.linalg.eigh(moment)
    rest = vectors[:, np.argsort(-values)[dim:]]
    return lambda x: np.linalg.norm((x - origin) @ rest, axis=1)


def weibull(t):
    """Shape and scale by maximum likelihood, by Newton's method on the logarithm of the shape."""
    x, mean = 0.0, np.log(t).mean()
    for _ in range(200):
        k = np.exp(x)
        v = (t / t.max()) ** k
        first = (v * np.log(t)).sum() / v.sum()
        second = (v * np.log(t) ** 2).sum() / v.sum()
        x -= np.clip((first - 1 / k - mean) / (k * (second - first**2) + 1 / k), -1, 1)
    k = np.exp(x)
    return k, t.max() * ((t / t.max()) ** k).mean() ** (1 / k)


def open_max(z, z_train, y):
    """None where a class has less than two rightly predicted records."""
    hit = z_train.argmax(axis=1) == y
    if min((hit & (y == c)).sum() for c in range(z.shape[1])) < 2:
        return None
    changed, unknown = z.copy(), np.zeros(len(z))
    places = np.argsort(np.argsort(-z, axis=1, kind="stable"), axis=1)
    for c in range(z.shape[1]):
        own = z_train[hit & (y == c)]
        tail = np.sort(np.linalg.norm(own - own.mean(axis=0), axis=1))[-20:]
        shape, scale = weibull(tail - tail[0] + 1)
        excess = np.linalg.norm(z - own.mean(axis=0), axis=1) - tail[0] + 1
        w = np.where(excess < 0, 0, 1 - np.exp(-((np.maximum(excess, 0) / scale) ** shape)))
        lost = z[:, c] * w * np.maximum(1 - places[:, c] / 3, 0)
        changed[:, c] -= lost
        unknown += lost
    return -np.exp(unknown) / (np.exp(changed).sum(axis=1) + np.exp(unknown))


def neighborhood_share(u, train):
    """The references are the tenth of the training set that Knuth's hash of a record's place names; a reference is no neighbour of itself."""
    places = (np.arange(len(train), dtype=np.uint64) * 2654435761) % 2**32
    reference = train[places < (2**32 - 1) // 10]
    grid = np.concatenate([np.linspace(0.001, 0.1, 100), np.linspace(0.105, 0.5, 81), np.linspace(0.51, 0.99, 49)])
    positions = np.trunc(grid * len(reference) - 1).astype(int)
    kept = np.array([j for j in range(len(grid)) if positions[j] > positions[:j].max(initial=-1)])
    square = lambda a, b: ((a[:, None] - b[None]) ** 2).sum(axis=2)
    radii = np.sort(square(reference, reference), axis=1)[:, positions[kept] + 1]
    result = []
    for own in square(u, reference):
        enough = (radii >= own[:, None]).mean(axis=0) >= 0.01
        result.append(-grid[kept][enough.argmax()] if enough.any() else -1.0)
    return np.array(result)


def prototype_gradients(h, prototypes):
    """The gradient of -log softmax(-|h - P|)[a class] with respect to the last prototype."""
    distances = np.linalg.norm(h[:, None] - prototypes[None], axis=2)
    away = h - prototypes[-1]
    return softmax(-distances)[:, -1:] * away / np.linalg.norm(away, axis=1, keepdims=True)


def gradient_neighbors(h, train, y, hit, outliers, exact=False):
    """OpenOOD's batches of 200: the outliers' mean is of whole ones, and one of training is not in the index."""
    batches = -(-len(train) // 200)
    place = np.arange(len(train)) // 200
    indexed = hit & (place != min(600, int(0.8 * batches)))
    if exact or not indexed.any():
        indexed = hit
    means = [train[y == c].mean(axis=0) for c in range(y.max() + 1)] + [outliers[: 100 if exact else 200].mean(axis=0)]
    bank = prototype_gradients(train[indexed], np.stack(means))
    own = prototype_gradients(h, np.stack(means))
    return -((own[:, None] - bank[None]) ** 2).sum(axis=2).min(axis=1)


def philox(counter, key):
    """Philox 4x32-10 of Salmon, Moraes, Dror, Shaw, SC 2011."""
    mask = 2**32 - 1
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [b >> 32 ^ counter[1] ^ key[0], b & mask, a >> 32 ^ counter[3] ^ key[1], a & mask]
        key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
    return counter


def kept_shares(feature, passes=5):
    """How often each element is kept, doubled, of five passes that drop half: drawn from the feature's single-precision bits."""
    mask, state = 2**64 - 1, 0
    for bits in feature.astype(np.float32).view(np.uint32):
        state = ((state ^ int(bits)) + 0x9E3779B97F4A7C15) & mask
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & mask
        state = (state ^ state >> 27) * 0x94D049BB133111EB & mask
        state ^= state >> 31
    words = []
    for block in range(passes * len(feature) // 4 + 1):
        words += philox([block, 0, 10, 0], [state & 2**32 - 1, state >> 32])
    kept = np.array(words[: passes * len(feature)]).reshape(passes, -1) >> 8 >= 2**23
    return 2 * kept.mean(axis=0)


def unit(h):
    return h / (np.linalg.norm(h, axis=1, keepdims=True) + 1e-10)


def confidences(h, w, b, train, val, outliers):
    k, d = w.shape
    mean = train.mean(axis=0)
    y_train, y_val = np.arange(len(train)) % k, np.arange(len(val)) % k
    z_train, z_val = train @ w.T + b, val @ w.T + b
    distances, background = gaussians(h, train, y_train)
    hit = z_train.argmax(axis=1) == y_train
    means = [train[(y_train == c) & hit] if ((y_train == c) & hit).any() else train[y_train == c] for c in range(k)]
    means = np.stack([m.mean(axis=0) for m in means])
    off = residual_norm(h, train, w, b, 256 if d > 256 else d // 2)
    off_val = residual_norm(h, val, w, b, 512 if d > 512 else d // 2)
    alpha = z_train.max(axis=1).mean() / off(train).mean()
    pairs = ((unit(h)[:, None] - unit(train)[None]) ** 2).sum(axis=2)
    sphere = unit(train)
    bank = (len(train) // 100 // 200 + 1) * 200  # OpenOOD: whole batches of 200
    guide = (unit(train) * lse(z_train)[:, None])[:bank]
    flat = lambda a: a / np.sqrt((a * a).sum(axis=1, keepdims=True) + 1e-10)
    kernel = np.maximum(flat(h) @ flat(train).T, 0) * (softmax(h @ w.T + b) @ softmax(z_train).T)
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
    dropped = np.stack([row * kept_shares(row) for row in h])
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
        "ash_b": lse((m90 * total / k90) @ w.T + b),
        "react": lse(np.minimum(h, np.percentile(val, 90)) @ w.T + b),
        "vra": lse(np.clip(h, np.percentile(val, 10), np.percentile(val, 90)) @ w.T + b),
        "temp_scaling": softmax(z / temperature(z_val, y_val)).max(axis=1),
        "klm": divergence(p, softmax(z_val)),
        "mds": -distances.min(axis=1),
        "rmds": -distances.min(axis=1) + background,
        "vim": lse(z) - alpha * off(h),
        "residual": -off_val(h),
        "she": (h * means[best]).sum(axis=1),
        "ssd": -squared_mahalanobis(unit(h), sphere.mean(axis=0), np.cov(sphere.T, bias=True)),
        "knn": -np.sort(pairs, axis=1)[:, 49],
        "nnguide": lse(z) * -np.sort(-(unit(h) @ guide.T), axis=1)[:, :100].mean(axis=1),
        "relation": np.where(kernel > 0.03, kernel, 0).sum(axis=1),
        "cfood": neighborhood_share(unit(h), unit(train)),
        "grood": gradient_neighbors(h, train, y_train, hit, outliers),
        "grood exact": gradient_neighbors(h, train, y_train, hit, outliers, exact=True),
        "dropout": softmax(dropped @ w.T + b).max(axis=1),
        "openmax": open_max(z, z_train, y_train),
        "nci": (w[best] * centred).sum(axis=1) / reach + 1e-4 * np.abs(h).sum(axis=1),
    }


def case(generator, classes, dimension, samples, gain=1):
    single = lambda a: np.round(a, 4).astype(np.float32).astype(np.float64)
    h = single(np.maximum(generator.normal(0.3, 0.6, (samples, dimension)), 0))
    w = single(generator.normal(0, 1 / np.sqrt(dimension), (classes, dimension)))
    b = single(generator.normal(0, 0.1, classes))
    centres = generator.normal(0.3, 0.3, (classes, dimension)) + gain * w

    def records(count):
        x = single(np.maximum(centres[np.arange(count) % classes] + generator.normal(0, 0.4, (count, dimension)), 0))
        x[:, 2] = 0  # a feature that is always 0 leaves covariances singular
        return x

    train, val = records(max(90, 2 * classes)), records(45)
    outliers = single(np.maximum(np.random.default_rng(classes).normal(0.6, 0.8, (240, dimension)), 0))
    listed = lambda a: [round(float(v), 4) for v in a.ravel()]
    return {
        "classes": classes,
        "dimension": dimension,
        "features": listed(h),
        "weights": listed(w),
        "bias": listed(b),
        "training": listed(train),
        "validation": listed(val),
        "outliers": listed(outliers),
        "confidences": {k: c if c is None else [float(f"{v:.9g}") for v in c] for k, c in confidences(h, w, b, train, val, outliers).items()},
    }


if __name__ == "__main__":
    generator = np.random.default_rng(7)
    cases = [case(generator, 2, 7, 5), case(generator, 10, 64, 5, gain=3), case(generator, 101, 33, 3)]
    path = pathlib.Path(__file__).parent / "score_fixtures.json"
    path.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
