#!/usr/bin/env python3
"""Writes network_score_fixtures.json: confidences of OOD scores that look inside a network or change its images, in PyTorch and float64.

usage: make_network_score_fixtures.py        needs numpy and torch; about a minute

Networks are those of make_pytorch_fixtures.py with the parameters of their fixtures; images come from its streams: 600000 for 120 training
images, 600001 for 20 validation images, 600002 for 4 queries. Record i of a set has label i mod 10. Written from the papers' formulas,
independently of the Swift scores. The `gram` split is that of Knuth's hash of a record's place.
"""

import json
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import make_pytorch_fixtures as base

DEVIATION = torch.tensor([0.247, 0.2435, 0.2616], dtype=torch.float64).reshape(1, 3, 1, 1)
# The running variances of the large network are reduced; otherwise its output would hardly depend
# on the image.
CASES = [("resnet20", "t2fnorm", 16, 1.0), ("resnet18_224x224", "linear", 40, 0.125)]
TRAINING, VALIDATION, QUERIES = 120, 20, 4


class Inspected:
    """A network in evaluation mode, its maps and its logits as scores see them."""

    def __init__(self, name, head, variance_scale):
        self.network, _ = base.make(name)
        fixture = json.loads(pathlib.Path(__file__).with_name(f"{name}.json").read_text())
        base.apply(fixture["nudges"], self.network)
        with torch.no_grad():
            for key, tensor in self.network.state_dict().items():
                if key.endswith("running_var"):
                    tensor *= variance_scale
        self.network = self.network.double().eval()
        self.head = head
        self.convolutions, self.relu_outputs = [], []
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda _, __, output: self.convolutions.append(output))

    def relu(self, x, _):
        self.relu_outputs.append(F.relu(x))
        return self.relu_outputs[-1]

    def stem(self, x):
        x = self.relu(self.network.bn1(self.network.conv1(x)), None)
        return F.max_pool2d(x, 3, 2, 1) if self.network.pooled else x

    def stage(self, level, x):
        for block in getattr(self.network, f"layer{level}"):
            x = block(x, self.relu)
        return x

    def maps(self, x):
        self.convolutions, self.relu_outputs = [], []
        maps = [self.stem(x)]
        for level in range(1, self.network.levels + 1):
            maps.append(self.stage(level, maps[-1]))
        return maps

    def features(self, x):
        return self.maps(x)[-1].mean(dim=(2, 3))

    def logits(self, h):
        return self.network.scoring_logits(h, self.head)


def energy(z):
    return torch.logsumexp(z, dim=1)


def input_gradient(x, value):
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(value(x).sum(), x)[0].detach()


def signs(gradient):
    return torch.where(gradient >= 0, 1.0, -1.0).double()


def odin(net, x, temperature, magnitude, steepest=False):
    def loss(images):
        z = net.logits(net.features(images)) / temperature
        return F.cross_entropy(z, z.argmax(dim=1), reduction="none")

    gradient = input_gradient(x, loss)
    step = signs(gradient)
    if steepest:
        flat = gradient.abs().flatten(1)
        mask = F.one_hot(flat.argmax(dim=1), flat.shape[1]).reshape(gradient.shape)
        step = step * mask
    moved = x - magnitude * step / DEVIATION
    return torch.softmax(net.logits(net.features(moved)) / temperature, dim=1).max(dim=1).values


def shifts(net, x):
    gradient = input_gradient(x, lambda images: net.logits(net.features(images)).max(dim=1).values)
    flat = gradient.flatten(1)
    chosen = flat.abs().argsort(dim=1)[:, : int(0.05 * flat.shape[1])]
    step = torch.zeros_like(flat).scatter(1, chosen, torch.gather(flat, 1, chosen).sign() * 0.5)
    h, moved = net.features(x), net.features(x + step.reshape(x.shape))
    order, d = h.argsort(dim=1, descending=True, stable=True), h.shape[1]
    near = torch.gather(moved, 1, order[:, : d * 5 // 100]).relu().sum(dim=1)
    far = torch.gather((h - moved).abs(), 1, order[:, : d // 100]).sum(dim=1)
    return near + 10 * far


def adascale(net, x, ranked, low, high):
    h, own = net.features(x), shifts(net, x)
    z = net.logits(h)
    a, b = [], []
    for i in range(len(x)):
        share = (ranked <= own[i]).double().mean().item()
        percentile = low + (1 - share) * (high - low)
        k = h.shape[1] - int(np.rint(h.shape[1] * percentile / 100))
        row = h[i].relu()
        r = row.sum() / row.topk(max(k, 1)).values.sum()
        a.append(energy(net.logits((h[i] * r.exp())[None]))[0])
        b.append(energy((z[i] * r * r)[None])[0])
    return torch.stack(a), torch.stack(b)


def deflate(map):
    u, s, v = torch.linalg.svd(map.flatten(2), full_matrices=False)
    return map - (s[:, :1, None] * u[:, :, :1] @ v[:, :1]).reshape(map.shape)


def rankfeat(net, x):
    maps = net.maps(x)
    last = net.logits(deflate(maps[-1]).mean(dim=(2, 3)))
    before = net.logits(net.stage(net.network.levels, deflate(maps[-2])).mean(dim=(2, 3)))
    return energy((last + before) / 2)


def correlations(net, x):
    """For each layer, power and channel the root of the row sum of the Gram matrix."""
    net.maps(x)
    layers = net.convolutions + (net.relu_outputs if net.network.pooled else [])
    result = []
    for layer in layers:
        f = layer.flatten(2)
        rows = []
        for power in range(1, 6):
            g = (f**power) @ (f**power).transpose(1, 2)
            v = g.sum(dim=2)
            rows.append(v.sign() * v.abs() ** (1 / power))
        result.append(torch.stack(rows, dim=1).flatten(1))
    return result


def deviation(values, low, high):
    below = (low - values).relu() / (low + 1e-6).abs()
    above = (values - high).relu() / (high + 1e-6).abs()
    return (below + above).sum(dim=1)


def gram(net, x, train, y):
    held = torch.tensor([(i * 2654435761) % 2**32 < (2**32 - 1) // 10 for i in range(len(train))])
    layers = correlations(net, train)
    z = net.logits(net.features(x))
    p, predicted = torch.softmax(z, dim=1).max(dim=1)
    total = torch.zeros(len(x), dtype=torch.float64)
    for values, own in zip(layers, correlations(net, x)):
        low = torch.stack([values[(y == c) & ~held].amin(dim=0) for c in range(base.CLASSES)])
        high = torch.stack([values[(y == c) & ~held].amax(dim=0) for c in range(base.CLASSES)])
        scale = deviation(values[held], low[y[held]], high[y[held]]).mean()
        total += deviation(own, low[predicted], high[predicted]) / scale
    return -total / p


def mds_ensemble(net, x, train, y, magnitude=0.0014):
    f = net.stem(train).mean(dim=(2, 3))
    means = torch.stack([f[y == c].mean(dim=0) for c in range(base.CLASSES)])
    centred = f - means[y]
    precision = torch.linalg.pinv(centred.T @ centred / len(f), hermitian=True)

    def halves(images):
        away = net.stem(images).mean(dim=(2, 3))[:, None] - means[None]
        return 0.5 * torch.einsum("nci,ij,ncj->nc", away, precision, away).amin(dim=1)

    moved = x - magnitude * signs(input_gradient(x, halves)) / 0.5
    return -halves(moved)


def gmm(net, x, train, components=3, dimension=8):
    """Principal coordinates of the second stage's map; a mixture with one covariance from means at even distances."""
    maps = net.maps(train)[2].flatten(1).numpy()
    mean = maps.mean(axis=0)
    vectors = np.linalg.svd(maps - mean, full_matrices=False)[2][:dimension]
    f = (maps - mean) @ vectors.T
    means = f[[m * len(f) // components for m in range(components)]]
    for _ in range(10):
        near = ((f[:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=1)
        means = np.stack([f[near == m].mean(axis=0) if (near == m).any() else means[m] for m in range(components)])
    share = np.eye(components)[near]
    before = -np.inf

    def away(rows, means, covariance):
        d = rows[:, None] - means[None]
        return np.einsum("nmi,ij,nmj->nm", d, np.linalg.inv(covariance), d)

    def maximised(share):
        weights = share.mean(axis=0)
        own = np.stack([(share[:, m, None] * f).sum(axis=0) / share[:, m].sum() for m in range(components)])
        covariance = f.T @ f / len(f) - (weights[:, None, None] * own[:, :, None] * own[:, None]).sum(axis=0)
        return weights, own, covariance + 1e-6 * np.eye(dimension)

    weights, means, covariance = maximised(share)
    for _ in range(100):
        logs = np.log(weights) - away(f, means, covariance) / 2
        total = np.logaddexp.reduce(logs, axis=1)
        now = total.mean() - np.linalg.slogdet(covariance)[1] / 2
        weights, means, covariance = maximised(np.exp(logs - total[:, None]))
        if abs(now - before) < 1e-3:
            break
        before = now
    query = (net.maps(x)[2].flatten(1).numpy() - mean) @ vectors.T
    return torch.from_numpy(np.log((weights * np.exp(-away(query, means, covariance) / 2)).sum(axis=1) + 1e-45))


def ensemble(nets, x):
    logits = torch.stack([net.logits(net.features(x)) for net in nets])
    return torch.softmax(logits.mean(dim=0), dim=1).max(dim=1).values


def case(name, head, size, variance_scale):
    net = Inspected(name, head, variance_scale)
    train, val, x = (base.batch(600_000 + i, 0, n, size)[0].double() for i, n in enumerate((TRAINING, VALIDATION, QUERIES)))
    y = torch.arange(TRAINING) % base.CLASSES
    gradient = input_gradient(x, lambda images: net.logits(net.features(images)).max(dim=1).values)
    listed = gradient.permute(0, 2, 3, 1).reshape(-1)
    ranked = shifts(net, val).detach()
    first, second = adascale(net, x, ranked, 75, 85)
    with torch.no_grad():
        looked = {"rankfeat": rankfeat(net, x), "gram": gram(net, x, train, y), "gmm": gmm(net, x, train)}
    confidences = {
        "odin": odin(net, x, 1000, 0.0014),
        "odin at 1": odin(net, x, 1, 0.02),
        "iodin": odin(net, x, 1000, 0.0014, steepest=True),
        "iodin at 1": odin(net, x, 1, 0.5, steepest=True),
        "adascale_a": first,
        "adascale_l": second,
        "ensemble": ensemble([net] + [Inspected(name, head, variance_scale * s) for s in (0.5, 2)], x),
        "mds_ensemble": mds_ensemble(net, x, train, y),
        **looked,
    }
    return {
        "network": name,
        "head": head,
        "imageSize": size,
        "varianceScale": variance_scale,
        "features": [float(f"{v:.9g}") for v in net.features(x).detach().reshape(-1).tolist()[:16]],
        "gradientNorm": listed.norm().item(),
        "gradient": [float(f"{v:.9g}") for v in listed[:: max(len(listed) // 64, 1)].tolist()],
        "confidences": {k: [float(f"{v:.9g}") for v in c.detach().tolist()] for k, c in confidences.items()},
    }


if __name__ == "__main__":
    cases = [case(*each) for each in CASES]
    path = pathlib.Path(__file__).with_name("network_score_fixtures.json")
    path.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
