"""Style transfer works without any training of the network: the loss falls by two decades and more."""

import pytest
import torch

from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.surgery.surgery import Surgery
from rnst.image.files import resize
from rnst.stylization.inputs import read_inputs
from rnst.stylization.job import resolve
from rnst.stylization.scale_runner import ScaleRunner
from rnst.stylization.scales import Scale
from rnst.stylization.schedule import framed
from rnst.stylization.settings import StylizationSettings

_LAYERS = {
    "resnet18": (["layer1", "layer2", "layer3", "layer4"], ["layer3"]),
    "vgg11": (["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"], ["relu4_2"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", _LAYERS)
def test_style_loss_falls_a_hundredfold_in_sixty_iterations(name: str) -> None:
    style_layers, content_layers = _LAYERS[name]
    settings = StylizationSettings(
        encoder=name,
        weights="random",
        size=96,
        style_loss="gram",
        style_layers=style_layers,
        content_layers=content_layers,
        content_weight=0.0,
        tv_weight=0.0,
        init="noise",
        parameters="pixels",
        shifts=1,
        strides="blur_stem",  # with every stride blurred the ResNet's falls 72 times (docs/log/2026-11-encoders.md)
        precision="fp32",
    )
    layers, surgery = [*style_layers, *content_layers], Surgery(strides=settings.strides)
    encoder, _ = load_encoder(find_network(name), layers, weights="random", surgery=surgery)
    job = resolve(settings)
    inputs = read_inputs(job.pictures, job.resolution)
    runner = ScaleRunner(job, encoder, inputs)
    noise = torch.rand(1, 3, *inputs.size, generator=torch.Generator().manual_seed(0))
    scale = Scale((72, 96), 60, 0)
    start = framed(resize(noise, scale.size), settings.margin)
    (view,) = runner._views.of(scale, torch.device("cpu"))[0][:1]
    first = view.objective(encoder(start), start)["style"].item()
    assert first / runner.optimize(scale, noise, [], []).losses["style"] > 100
