"""Writes model_files.json of ExchangeTests, next to this file: small files of torch.save and safetensors, with their values.

    python3 Tests/Fixtures/make_model_files.py

Written with PyTorch 2.13.0, safetensors 0.6 and NumPy 2. A case has a file (base64) and the tensors that are in it: name, type, shape, elements as
float32, the last axis fastest.
"""

import argparse
import base64
import collections
import io
import json
import pathlib

import numpy as np
import safetensors.torch
import torch

torch.manual_seed(5)


def types():
    """Every type of element, with values that each keeps exactly and some that are rounded."""
    reals = torch.tensor([[0.0, -0.0, 1.5, -2.25, 65504.0], [1e-3, 0.1, -1 / 3, 6e-8, 2.0**-24]], dtype=torch.float64)
    return collections.OrderedDict(
        [(str(t).split(".")[1], reals.to(t)) for t in (torch.float64, torch.float32, torch.float16, torch.bfloat16)]
        + [(str(t).split(".")[1], torch.tensor([0, 1, 2, 100], dtype=t)) for t in (torch.int64, torch.int32, torch.int16, torch.uint8)]
        + [("int8", torch.tensor([-128, 127], dtype=torch.int8)), ("bool", torch.tensor([True, False, True]))]
    )


def views():
    """Parts of storages: moved, turned, shared, of one element, of none."""
    whole = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    return collections.OrderedDict(
        whole=whole, transposed=whole.permute(2, 0, 1), part=whole[1:, ::2, 3], row=whole[2, 1],
        scalar=torch.tensor(0.1), count=torch.tensor(7), empty=torch.zeros(0, 3),
        parameter=torch.nn.Parameter(torch.tensor([[1.0, 2.0]])),
        channelsLast=torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last))


def nested():
    """What a training script keeps beside the weights."""
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.rand(2, 1, 4, 4)).sum().backward()
    optimizer.step()
    whole = {
        "epoch": 3, "best_acc": np.float64(0.75), "best_prec1": torch.tensor(91.5), "arch": "resnet", "lr": [0.1, 0.01],
        "history": {"loss": (1.0, 0.5), "seeds": {1, 2}}, "optimizer": optimizer.state_dict(),
        "net": {"state_dict": model.state_dict()},
    }
    return whole, model.state_dict()


def saved(value, zipped):
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def described(tensors):
    return [
        dict(name=name, type=str(t.dtype).split(".")[1], shape=list(t.shape), values=t.detach().to(torch.float32).flatten().tolist())
        for name, t in tensors.items()
    ]


def main():
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    whole, state = nested()
    cases = []
    for name, value, tensors in [("types", types(), types()), ("views", views(), None), ("nested", whole, state)]:
        tensors = tensors if tensors is not None else value
        for format, zipped in [("PyTorch (zip)", True), ("PyTorch (before 1.6)", False)]:
            cases.append(dict(name=name, format=format, file=saved(value, zipped), tensors=described(tensors)))
    cases.append(dict(
        name="types", format="safetensors", file=safetensors.torch.save(dict(types()), {"format": "pt"}), tensors=described(types())))
    for case in cases:
        case["file"] = base64.b64encode(case["file"]).decode()
    path = pathlib.Path(__file__).parent / "model_files.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
