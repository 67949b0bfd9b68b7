"""Loads an exported model as PyTorch does and prints, as JSON, its logits of a fixture's images. Needs PyTorch.

    python3 Tests/Fixtures/load_exported.py FILE resnet18|resnet20|… t2fnorm|linear

torch.load(weights_only=True), with and without mmap, must give a state dictionary of the names and in the order of the network's own, and
load_state_dict must take it strictly. A T2FNorm model is OpenOOD's wrapper: the buffer tau, then the network as `backbone`.
"""

import json
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

import make_pytorch_fixtures as fixtures


class T2FNormNet(nn.Module):
    """OpenOOD's networks/t2fnorm_net.py: names and the forward pass of accuracy."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.register_buffer("tau", torch.tensor(1.0))

    def forward(self, x):
        return getattr(self.backbone, self.backbone.head)(F.normalize(self.backbone.features(x), dim=-1) / self.tau)


class LinearNet(fixtures.ResNet):
    def forward(self, x):
        return getattr(self, self.head)(self.features(x))


def main():
    path, network, head = sys.argv[1:]
    model = LinearNet(**fixtures.NETWORKS[network])
    if head == "t2fnorm":
        model = T2FNormNet(model)
    state = torch.load(path, weights_only=True)
    mapped = torch.load(path, weights_only=True, mmap=True)
    assert list(state) == list(mapped) == list(model.state_dict()), "names or their order"
    assert all(torch.equal(state[name], mapped[name]) for name in state), "mapped values"
    assert all(state[name].dtype == value.dtype for name, value in model.state_dict().items()), "types"
    model.load_state_dict(state, strict=True)
    model.eval()
    text = json.loads((pathlib.Path(__file__).parent / f"{network}.json").read_text())
    images, _ = fixtures.batch(text["imageStream"], text["labelStream"], text["imageCount"], text["imageSize"])
    with torch.no_grad():
        print(json.dumps(model(images).flatten().tolist()))


main()
