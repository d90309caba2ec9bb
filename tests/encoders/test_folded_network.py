import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from pytorch_lightning.plugins.layer_sync import TorchSyncBatchNorm
from torch import Tensor, nn

from rnst.encoders.folded_network import FoldedNetwork
from rnst.encoders.surgery.graph import called_convolutions

_SMALL = ["resnet18", "resnet50", "vgg11_bn", "mobilenet_v2", "densenet121", "shufflenet_v2_x0_5", "squeezenet1_1"]
_OTHERS = [
    "efficientnet_b0",
    "convnext_tiny",
    "googlenet",
    "regnet_x_400mf",
    "mnasnet0_5",
    "resnext50_32x4d",
    "alexnet",
]


def _network(name: str, dtype: torch.dtype = torch.float64, **options: Any) -> nn.Module:
    if name == "googlenet":
        options |= {"aux_logits": False, "init_weights": False}
    network: nn.Module = torchvision.models.get_model(name, num_classes=5, **options)
    return _with_statistics(network).to(dtype)


def _with_statistics(network: nn.Module) -> nn.Module:
    """BatchNorms that change something."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            module.running_mean = torch.randn_like(module.weight.detach()) * 0.1
            module.running_var = torch.rand_like(module.weight.detach()) + 0.5
    return network


def _answer(network: Callable[[Tensor], Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and the gradient of their weighted sum."""
    leaf = images.clone().requires_grad_()
    logits = network(leaf)
    (gradient,) = torch.autograd.grad((logits * torch.arange(1, logits.shape[1] + 1)).sum(), leaf)
    return logits.detach(), gradient


def _assert_twins(network: nn.Module, twin: FoldedNetwork, images: Tensor) -> None:
    with twin.in_use() as found:
        answer = _answer(found, images)
    network.eval()
    for its, expected in zip(answer, _answer(network, images), strict=True):
        assert (its - expected).abs().max() <= 1e-10 * expected.abs().max()


@pytest.mark.parametrize("name", _SMALL)
def test_equals_eval_mode(name: str) -> None:
    network = _network(name)
    _assert_twins(network, FoldedNetwork(network), torch.rand(2, 3, 64, 64, dtype=torch.float64))


@pytest.mark.slow
@pytest.mark.parametrize("name", _OTHERS)
def test_equals_eval_mode_of_others(name: str) -> None:
    network = _network(name)
    _assert_twins(network, FoldedNetwork(network), torch.rand(2, 3, 96, 96, dtype=torch.float64))


@pytest.mark.parametrize("size", [(31, 33), (32, 40), (45, 38)], ids=str)
@pytest.mark.parametrize(
    "stem",
    [
        {"kernel_size": 7, "stride": 2, "padding": 3},
        {"kernel_size": 11, "stride": 4, "padding": 2},
        {"kernel_size": 4, "stride": 4},
        {"kernel_size": 3, "stride": 2, "bias": False},
        {"kernel_size": 1, "stride": 3},
    ],
    ids=str,
)
def test_a_first_convolution_with_a_stride(stem: dict[str, Any], size: tuple[int, int]) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, **stem), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()).double()
    _assert_twins(network, FoldedNetwork(network), torch.rand(2, 3, *size, dtype=torch.float64))


def test_every_norm_of_a_resnet_is_folded() -> None:
    network = _network("resnet18")
    norms = {path for path, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    assert set(called_convolutions(network.eval()).values()) == norms
    with FoldedNetwork(network).in_use() as twin:
        assert not [module for module in twin.modules() if isinstance(module, nn.BatchNorm2d)]


def _norms(twin: FoldedNetwork) -> list[nn.Module]:
    """BatchNorms that are left in the copy."""
    with twin.in_use() as copied:
        return [module for module in copied.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]


def test_norms_synchronized_for_a_training_are_folded__and_so_are_those_that_replace_them_afterwards() -> None:
    """Lightning replaces all BatchNorms at the start of a training, and once more at its end."""
    network: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(_network("resnet18"))
    twin, images = FoldedNetwork(network), torch.rand(2, 3, 64, 64, dtype=torch.float64)
    _assert_twins(network, twin, images)
    assert not _norms(twin)
    TorchSyncBatchNorm().revert(network)
    other = {
        name: tensor * 1.25 if "norm" in name or "bn" in name else tensor
        for name, tensor in network.state_dict().items()
    }
    network.load_state_dict(other, assign=True)
    _assert_twins(network, twin, images)
    assert not _norms(twin)


def test_a_norm_that_does_more_stays() -> None:
    class Activated(nn.BatchNorm2d):
        def forward(self, features: Tensor) -> Tensor:
            return super().forward(features).relu()

    network = _with_statistics(nn.Sequential(nn.Conv2d(3, 4, 3), Activated(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    twin = FoldedNetwork(network.double())
    _assert_twins(network, twin, torch.rand(2, 3, 16, 16, dtype=torch.float64))
    assert len(_norms(twin)) == 1


class _Irregular(nn.Module):
    """Whatever may not be folded: a norm before its convolution, one used twice, one whose input is used elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.before = nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4)
        self.shared, self.twice = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.seen, self.after = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.batch, self.of_the_batch = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)
        self.plain, self.no_affine = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, affine=False)
        self.scale = nn.Parameter(torch.rand(4, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        features = self.before(self.first(images).relu())
        features = self.twice(self.shared(self.twice(self.shared(features)))) * self.scale
        seen = self.seen(features)
        features = self.after(seen) + seen
        features = self.no_affine(self.plain(self.of_the_batch(self.batch(features))))
        logits: Tensor = features.relu().mean((2, 3))
        return logits


def test_what_may_not_be_folded_stays() -> None:
    network = _Irregular()
    for norm in (network.before, network.twice, network.after):
        _with_statistics(norm)
    assert network.no_affine.running_var is not None
    network.no_affine.running_var.uniform_(0.5, 2.0)
    network = network.double()
    pairs = {path: norm for path, norm in called_convolutions(network).items() if norm is not None}
    assert pairs == {"plain": "no_affine"}
    _assert_twins(network, FoldedNetwork(network), torch.rand(2, 3, 16, 16, dtype=torch.float64))


class _Untraceable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4))

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.layers(images)
        return features.mean((2, 3)) if features.mean() > 0 else -features.mean((2, 3))


def test_a_network_that_cannot_be_traced_is_left_as_it_is() -> None:
    network = _with_statistics(_Untraceable()).double()
    assert called_convolutions(network) == {}
    _assert_twins(network, FoldedNetwork(network), torch.rand(2, 3, 16, 16, dtype=torch.float64))


def test_it_follows_weights_and_statistics() -> None:
    network, images = _network("resnet18"), torch.rand(2, 3, 64, 64, dtype=torch.float64)
    twin = FoldedNetwork(network)
    _assert_twins(network, twin, images)
    network.train()(torch.rand(4, 3, 64, 64, dtype=torch.float64)).square().sum().backward()
    torch.optim.SGD(network.parameters(), lr=0.01).step()
    _assert_twins(network, twin, images)


def test_the_network_is_left_as_it_was() -> None:
    network = _network("resnet18").train()
    before, names = copy.deepcopy(network.state_dict()), [name for name, _ in network.named_modules()]
    with FoldedNetwork(network).in_use() as twin:
        _answer(twin, torch.rand(2, 3, 64, 64, dtype=torch.float64))
    assert [name for name, _ in network.named_modules()] == names
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())


def test_kernels_in_the_precision_of_autocast() -> None:
    """As near to float32 as the network itself under autocast, and what is no kernel keeps its precision."""
    network = _network("resnet18", torch.float32).to(memory_format=torch.channels_last).eval()
    images = torch.rand(4, 3, 64, 64).to(memory_format=torch.channels_last)
    exact = network(images)
    with torch.autocast("cpu", torch.bfloat16), FoldedNetwork(network).in_use(torch.bfloat16) as twin:
        plain, found = network(images), twin(images)
    assert found.dtype == plain.dtype == torch.bfloat16
    scale = exact.std()
    assert (found - exact).abs().max() / scale < 2 * (plain - exact).abs().max() / scale + 0.01
    with FoldedNetwork(_Irregular()).in_use(torch.bfloat16) as twin:
        dtypes = {name: parameter.dtype for name, parameter in twin.named_parameters()}
    assert (dtypes["seen.weight"], dtypes["plain.weight"]) == (torch.bfloat16, torch.bfloat16)
    assert (dtypes["after.weight"], dtypes["scale"]) == (torch.float32, torch.float32)


def test_memory_format_is_kept() -> None:
    network = _network("resnet18").to(memory_format=torch.channels_last)
    with FoldedNetwork(network).in_use() as twin:
        assert all(p.is_contiguous(memory_format=torch.channels_last) for p in twin.parameters() if p.dim() == 4)


def test_born_in_inference_mode_it_still_has_gradients() -> None:
    network = _network("resnet18")
    twin = FoldedNetwork(network)
    with torch.inference_mode(), twin.in_use():
        pass
    _assert_twins(network, twin, torch.rand(2, 3, 64, 64, dtype=torch.float64))
    with torch.inference_mode(), twin.in_use() as found, torch.inference_mode(mode=False), torch.enable_grad():
        _answer(found, torch.rand(2, 3, 64, 64, dtype=torch.float64))


def test_it_holds_no_memory_when_it_is_not_in_use() -> None:
    twin = FoldedNetwork(_network("resnet18"))
    with twin.in_use() as copied:
        assert len(list(copied.parameters())) > 40
    assert not [*copied.parameters(), *copied.buffers()]


def test_a_copy_of_both_belongs_together() -> None:
    network = _network("resnet18")
    twin = FoldedNetwork(network)
    _assert_twins(network, twin, torch.rand(1, 3, 64, 64, dtype=torch.float64))
    pair: tuple[nn.Module, FoldedNetwork] = copy.deepcopy((network, twin))
    other, its_twin = pair
    with torch.no_grad():
        next(other.parameters()).mul_(1.5)
    images = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    _assert_twins(other, its_twin, images)
    _assert_twins(network, twin, images)
