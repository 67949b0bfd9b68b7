"""Writes optimizer_fixtures.json: 20 updates by PyTorch's optimisers, and the rates of its schedulers.

    python3 Tests/Fixtures/make_optimizer_fixtures.py

Tensor t of a ResNet-20 starts with `values` of stream 700000 + t; its gradient in update s (from 0) is half its value plus
`values` of stream 710000 + 100 s + t, times 0.1. All is computed in float64. Of each tensor the file has the elements at the
flat positions ((2 j + 1) n) div 16, j < 8, after the last update, in PyTorch's order.
"""

import json
import pathlib

import torch
from torch.optim import lr_scheduler as schedulers
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn

from make_pytorch_fixtures import check_known_answers, values

TENSORS = [
    ("conv1.weight", (16, 3, 3, 3), "weight"), ("bn1.weight", (16,), "norm"), ("bn1.bias", (16,), "norm"),
    ("layer2.0.conv1.weight", (32, 16, 3, 3), "weight"), ("layer2.0.bn1.weight", (32,), "norm"),
    ("linear.weight", (10, 64), "weight"), ("linear.bias", (10,), "bias"),
]
STEPS = 20


def drawn(stream, shape, scale):
    count = torch.Size(shape).numel()
    return torch.from_numpy(values(count, stream, scale)).double().reshape(shape)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.tensors = torch.nn.ParameterList([drawn(700_000 + t, shape, 1) for t, (_, shape, _) in enumerate(TENSORS)])


def groups(model, decay, undecayed):
    return [
        dict(params=[p], weight_decay=0 if kind in undecayed else decay)
        for p, (_, _, kind) in zip(model.tensors, TENSORS)]


def samples(tensors):
    flat = [t.detach().reshape(-1) for t in tensors]
    return [[float(t[(2 * j + 1) * len(t) // 16]) for j in range(8)] for t in flat]


def train(optimizer, model, average=None, every=1):
    scheduler = schedulers.CosineAnnealingLR(optimizer, T_max=STEPS, eta_min=1e-4)
    rates = []
    for step in range(STEPS):
        for t, p in enumerate(model.tensors):
            p.grad = 0.5 * p.detach() + drawn(710_000 + 100 * step + t, p.shape, 0.1)
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if average is not None and (step + 1) % every == 0:
            average.update_parameters(model)
        scheduler.step()
    return rates


class LARS(torch.optim.Optimizer):
    """You et al., arXiv 1708.03888, algorithm 1; `coefficient` is None for a tensor without a trust ratio."""

    def __init__(self, params, **defaults):
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                ratio, decay = 1.0, group["weight_decay"]
                if group["coefficient"] is not None:
                    ratio = group["coefficient"] * p.norm() / (p.grad.norm() + decay * p.norm())
                v.copy_(group["momentum"] * v + group["lr"] * ratio * (p.grad + decay * p))
                p.sub_(v)


def rule(name, settings, make, ema=None):
    model = Model()
    optimizer = make(model)
    average = every = None
    if ema:
        decay, every = ema
        average = AveragedModel(model, avg_fn=get_ema_avg_fn(decay))
    rates = train(optimizer, model, average, every)
    row = dict(name=name, settings=settings, rates=rates, weights=samples(model.tensors))
    if average is not None:
        row["average"] = samples(average.module.tensors)
    return row


def rules():
    def sgd(nesterov, undecayed=(), decay=0.05):
        return lambda model: torch.optim.SGD(groups(model, decay, undecayed), lr=0.1, momentum=0.9, nesterov=nesterov)

    def adamw(betas, epsilon, undecayed=()):
        return lambda model: torch.optim.AdamW(groups(model, 0.05, undecayed), lr=0.02, betas=betas, eps=epsilon)

    def lars(coefficient, untrusted, undecayed):
        def make(model):
            rows = groups(model, 0.05, undecayed)
            for row, (_, _, kind) in zip(rows, TENSORS):
                row["coefficient"] = None if kind in untrusted else coefficient
            return LARS(rows, lr=0.5, momentum=0.9)
        return make

    decay = "weightDecay=0.05"
    return [
        rule("sgd", [decay], sgd(True)),
        rule("sgd without Nesterov", [decay, "nesterov=false", "noDecay=[norm, bias]"], sgd(False, ("norm", "bias"))),
        rule("adamw", ["name=adamw", decay], adamw((0.9, 0.999), 1e-8)),
        rule("adamw, other settings",
             ["name=adamw", decay, "betas=[0.8, 0.99]", "epsilon=0.001", "noDecay=[norm]"],
             adamw((0.8, 0.99), 1e-3, ("norm",))),
        rule("lars", ["name=lars", decay], lars(0.001, ("norm", "bias"), ("norm",))),
        rule("lars, other settings",
             ["name=lars", decay, "trustCoefficient=0.02", "noTrustRatio=[norm]", "noDecay=[bias]"],
             lars(0.02, ("norm",), ("bias",))),
        rule("sgd with an average", [decay, "ema.decay=0.9"], sgd(True), ema=(0.9, 1)),
        rule("adamw with an average", ["name=adamw", decay, "ema.decay=0.8", "ema.every=3"],
             adamw((0.9, 0.999), 1e-8), ema=(0.8, 3)),
    ]


def rates(make, steps=40, every=1):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = make(optimizer)
    found = []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % every == 0:
            scheduler.step()
    return found


def warm(steps, start, after):
    def make(optimizer):
        warm_up = schedulers.LinearLR(optimizer, start_factor=start / 0.1, end_factor=1, total_iters=steps)
        return schedulers.SequentialLR(optimizer, [warm_up, after(optimizer)], milestones=[steps])
    return make


def shapes():
    """Forty updates, eight an epoch."""
    line = lambda steps, end: lambda o: schedulers.LinearLR(o, 1, end / 0.1, total_iters=steps)
    constant = lambda o: schedulers.ConstantLR(o, factor=1)
    rows = [
        (["schedule=cosine", "minimumLearningRate=0.001"],
         rates(lambda o: schedulers.CosineAnnealingLR(o, 40, eta_min=0.001))),
        (["schedule=cosine", "minimumLearningRate=0.001", "scheduleInterval=epoch"],
         rates(lambda o: schedulers.CosineAnnealingLR(o, 5, eta_min=0.001), every=8)),
        (["schedule=linear", "minimumLearningRate=0.001"], rates(line(40, 0.001))),
        (["schedule=linear", "minimumLearningRate=0", "warmUpEpochs=2", "warmUpLearningRate=0.00001"],
         rates(warm(16, 0.00001, line(24, 0)))),
        (["schedule=linear", "minimumLearningRate=0.001", "scheduleInterval=epoch"], rates(line(5, 0.001), every=8)),
        (["schedule=polynomial", "minimumLearningRate=0"], rates(lambda o: schedulers.PolynomialLR(o, 40, power=2))),
        (["schedule=polynomial", "minimumLearningRate=0", "power=0.5", "warmUpSteps=10", "warmUpLearningRate=0.01"],
         rates(warm(10, 0.01, lambda o: schedulers.PolynomialLR(o, 30, power=0.5)))),
        (["schedule=multiStep", "milestones=[2, 4]"], rates(lambda o: schedulers.MultiStepLR(o, [16, 32], gamma=0.1))),
        (["schedule=multiStep", "milestones=[2, 3]", "factor=0.5", "warmUpEpochs=1", "warmUpLearningRate=0.01"],
         rates(warm(8, 0.01, lambda o: schedulers.MultiStepLR(o, [8, 16], gamma=0.5)))),
        # Its last update has the final rate; here that would be the update after the last.
        (["schedule=oneCycle", "minimumLearningRate=0.0001", "warmUpSteps=12", "warmUpLearningRate=0.004"],
         rates(lambda o: schedulers.OneCycleLR(
             o, max_lr=0.1, total_steps=41, pct_start=13 / 41, div_factor=0.1 / 0.004, final_div_factor=0.004 / 0.0001,
             cycle_momentum=False))),
        (["schedule=constant", "warmUpSteps=5", "warmUpLearningRate=0.01"], rates(warm(5, 0.01, constant))),
    ]
    return [dict(settings=settings, rates=found) for settings, found in rows]


def main():
    check_known_answers()
    tensors = [dict(name=name, stream=700_000 + t) for t, (name, _, _) in enumerate(TENSORS)]
    content = dict(pytorch=torch.__version__, tensors=tensors, rules=rules(), schedules=shapes())
    path = pathlib.Path(__file__).with_name("optimizer_fixtures.json")
    lines = json.dumps(content).replace('{"name"', '\n{"name"').replace('{"settings"', '\n{"settings"')
    path.write_text(lines + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
