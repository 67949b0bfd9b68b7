"""Weights of torchvision's networks, drawn at random. Needs torchvision.

    python3 Tests/Fixtures/check_torchvision.py make resnet50 FILE        saves the state dictionary of one
    python3 Tests/Fixtures/check_torchvision.py compare FILE FILE         says whether two hold the same, in names, order and bits
"""

import sys
import types

import torch

try:
    import torchvision
except RuntimeError:
    # If torchvision was built for another PyTorch, its operators are missing; the networks do not
    # need them.
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("without operators")
    import torchvision


def main():
    if sys.argv[1] == "make":
        torch.manual_seed(11)
        state = torchvision.models.get_model(sys.argv[2]).state_dict()
        torch.save({name: torch.rand_like(t) if t.is_floating_point() else t + 3 for name, t in state.items()}, sys.argv[3])
        return
    a, b = (torch.load(path, weights_only=True) for path in sys.argv[2:])
    assert list(a) == list(b), "names or their order"
    assert all(a[name].dtype == b[name].dtype and torch.equal(a[name], b[name]) for name in a), "values"


main()
