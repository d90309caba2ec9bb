"""Our readers and writers of weights against the `robustness` package's own classes."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import load_into, read_weights, write_madrylab
from tests.robustness_oracle import attacker_model, no_cuda, robustness

pytestmark = pytest.mark.slow

_MEAN, _STD = torch.tensor([0.4717, 0.4499, 0.3837]), torch.tensor([0.26, 0.2516, 0.2575])


def _network(seed: int) -> nn.Module:
    """A network with statistics that are not those of a fresh one."""
    torch.manual_seed(seed)
    network = build_classifier("resnet18", 9)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


def _ours(path: Path, images: Tensor) -> Tensor:
    state, facts = read_weights(path)
    network = _network(1)
    load_into(network, state, path)
    mean, std = (torch.tensor(facts[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    logits: Tensor = network((images - mean) / std)
    return logits


@pytest.mark.parametrize("container", ["zip", "legacy"])
@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "custom forward"])
def test_a_checkpoint_of_theirs__equal_logits(tmp_path: Path, container: str, wrapped: bool) -> None:  # noqa: FBT001
    """Written as their training loop writes it: DataParallel, dill, an optimizer, a schedule made of a lambda."""
    dill = pytest.importorskip("dill")
    network = _network(0)
    model = attacker_model(robustness("model_utils").DummyModel(network) if wrapped else network, _MEAN, _STD).eval()
    parallel = nn.DataParallel(model)
    optimizer = torch.optim.SGD(parallel.parameters(), 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.1**epoch)
    content = {
        "model": parallel.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": {**schedule.state_dict(), "lr_lambdas": schedule.lr_lambdas},
        "epoch": 3,
        "amp": None,
        "adv_prec1": torch.tensor(47.5),
    }
    path, images = tmp_path / "checkpoint.pt.best", torch.rand(4, 3, 64, 64)
    torch.save(content, path, pickle_module=dill, _use_new_zipfile_serialization=container == "zip")
    theirs = model.model(model.normalizer(images))
    assert torch.equal(_ours(path, images), theirs)


def test_a_file_of_ours_in_their_model__equal_logits(tmp_path: Path) -> None:
    network, path, images = _network(0), tmp_path / "ours.pt", torch.rand(4, 3, 64, 64)
    write_madrylab(path, network.state_dict(), {"mean": _MEAN.tolist(), "std": _STD.tolist(), "radius": 3.0})
    data = SimpleNamespace(mean=torch.zeros(3), std=torch.ones(3), get_model=None)
    with no_cuda():
        model, checkpoint = robustness("model_utils").make_and_restore_model(
            arch=_network(1), dataset=data, resume_path=str(path)
        )
    model.eval()
    theirs = model.model(model.normalizer(images))
    assert checkpoint["rnst"]["radius"] == 3.0
    assert torch.equal(theirs, _ours(path, images))
