import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.surgery.changes import Blur, blur_strides, exchange_pools, initialize
from rnst.encoders.surgery.relus import out_of_place
from rnst.encoders.surgery.surgery import Surgery

_TAPS = [(1.0, 2.0, 1.0), (1.0, 3.0, 3.0, 1.0)]


def _checkerboard(side: int) -> Tensor:
    signs = 1.0 - 2.0 * (torch.arange(side) % 2)
    return torch.outer(signs, signs)[None, None]


@pytest.mark.parametrize("taps", _TAPS, ids=len)
@pytest.mark.parametrize("stride", [1, 2])
def test_blur__keeps_constants_up_to_the_border(taps: tuple[float, ...], stride: int) -> None:
    constant = torch.full((2, 3, 9, 12), 0.7)
    torch.testing.assert_close(Blur(taps, stride)(constant), torch.full((2, 3, -(-9 // stride), 12 // stride), 0.7))


@pytest.mark.parametrize("taps", _TAPS, ids=len)
@pytest.mark.parametrize("stride", [1, 2])
def test_blur__kills_the_checkerboard(taps: tuple[float, ...], stride: int) -> None:
    inside = Blur(taps, stride)(_checkerboard(16))[..., 1:-2, 1:-2]
    assert torch.equal(inside, torch.zeros_like(inside))
    stripes = Blur(taps, stride)(_checkerboard(16)[..., :1, :].expand(1, 1, 16, 16))[..., 1:-2, 1:-2]
    assert torch.equal(stripes, torch.zeros_like(stripes))


def test_blur__channels_do_not_mix() -> None:
    features = torch.rand(1, 5, 8, 8)
    blur = Blur((1.0, 2.0, 1.0), 1)
    together = blur(features)
    for channel in range(5):
        torch.testing.assert_close(together[:, [channel]], blur(features[:, [channel]]))


def _unevenness(surgery: Surgery, period: int = 2) -> float:
    encoder, _ = load_encoder(find_network("resnet18"), ["layer1"], weights="random", surgery=surgery)
    return _unevenness_of(encoder, "layer1", period)


def _unevenness_of(encoder: Encoder, layer: str, period: int, images: int = 12) -> float:
    """Coefficient of variation, over pixel phases, of the input gradient's energy for random cotangents at a layer."""
    seen = torch.rand(images, 3, 64, 64, requires_grad=True)
    features = encoder(seen)[layer]
    (gradient,) = torch.autograd.grad(features, seen, torch.randn_like(features))
    energy = gradient[..., 8:-8, 8:-8].square()
    phases = torch.stack([energy[..., i::period, j::period].mean() for i in range(period) for j in range(period)])
    return float(phases.std(correction=0) / phases.mean())


def test_blur_strides__gradient_is_even_where_it_was_a_checkerboard() -> None:
    assert 0.15 < _unevenness(Surgery(strides="keep")) < 0.27
    assert _unevenness(Surgery(strides="blur")) < 0.09


def test_blur_strides__deeper_strides_of_a_trained_network_print_ladders_unless_they_are_blurred() -> None:
    def trained(strides: str) -> float:
        encoder, _ = load_encoder(find_network("resnet50_robust"), ["layer2"], surgery=Surgery(strides=strides))
        return _unevenness_of(encoder, "layer2", 8, images=96)

    assert trained("blur") < 0.7 * trained("blur_stem")


def test_blur__the_same_numbers_and_gradient_in_bfloat16_by_another_way() -> None:
    blur = Blur((1.0, 3.0, 3.0, 1.0), 2)
    features = torch.rand(1, 4, 13, 18).bfloat16().requires_grad_()
    found = blur(features)
    gradient = torch.rand_like(found)
    (back,) = torch.autograd.grad(found, features, gradient)
    expected = torch.nn.functional.conv2d(
        torch.nn.functional.pad(features, blur.padding, mode="replicate"),
        blur.kernel.bfloat16().expand(4, 1, -1, -1),
        stride=2,
        groups=4,
    )
    assert torch.equal(found, expected)
    torch.testing.assert_close(back, torch.autograd.grad(expected, features, gradient)[0])


def test_blur_strides__blind_to_a_checkerboard() -> None:
    images, pattern = 0.3 + 0.4 * torch.rand(1, 3, 64, 64), 0.2 * _checkerboard(64)
    changes = {}
    for strides in ("keep", "blur"):
        encoder, _ = load_encoder(
            find_network("resnet18"), ["stem"], weights="random", surgery=Surgery(strides=strides)
        )
        change = encoder(images + pattern)["stem"] - encoder(images)["stem"]
        changes[strides] = change[..., 4:-4, 4:-4].abs().max().item()
    assert changes["keep"] > 0.1
    assert changes["blur"] < 1e-4


def test_blur_strides__also_with_average_pools() -> None:
    assert 0.15 < _unevenness(Surgery("avg", "keep")) < 0.27
    assert _unevenness(Surgery("avg", "blur")) < 0.05


def test_blur_strides__keeps_output_sizes() -> None:
    sizes = []
    for strides in ("keep", "blur"):
        encoder, _ = load_encoder(
            find_network("resnet18"), ["stem", "layer1", "layer2"], weights="random", surgery=Surgery(strides=strides)
        )
        sizes.append([features.shape for features in encoder(torch.rand(1, 3, 45, 64)).values()])
    assert sizes[0] == sizes[1]


def test_blur_strides__leaves_a_vgg_alone() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    before = str(network)
    blur_strides(network)
    assert str(network) == before


@pytest.mark.parametrize(
    "pool",
    [nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d((2, 3), (2, 1))],
    ids=str,
)
@pytest.mark.parametrize("size", [(16, 16), (13, 18)], ids=str)
def test_exchange_pools__same_sizes_and_constants_kept(pool: nn.MaxPool2d, size: tuple[int, int]) -> None:
    network = nn.Sequential(nn.Identity(), nn.Sequential(pool))
    features = torch.full((1, 2, *size), 0.3)
    expected = network(features)
    exchange_pools(network, "avg")
    assert not any(isinstance(module, nn.MaxPool2d) for module in network.modules())
    torch.testing.assert_close(network(features), expected)


def test_exchange_pools__average() -> None:
    network = nn.Sequential(nn.MaxPool2d(2))
    exchange_pools(network, "avg")
    assert network(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])).item() == 3.0


def test_out_of_place__input_is_left_alone() -> None:
    network = nn.Sequential(nn.Sequential(nn.ReLU(inplace=True)), nn.ReLU(inplace=True))
    out_of_place(network)
    features = torch.tensor([-1.0, 2.0])
    assert network(features).tolist() == [0.0, 2.0]
    assert features.tolist() == [-1.0, 2.0]


def test_initialize__keeps_the_scale_of_signals() -> None:
    network = nn.Sequential(*[nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()) for _ in range(6)])
    initialize(network, torch.Generator().manual_seed(0))
    with torch.no_grad():
        power = network(torch.randn(1, 32, 32, 32)).square().mean().item()
    assert 0.1 < power < 2.0
