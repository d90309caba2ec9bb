"""The node as ComfyUI uses it: by its class attributes, in a thread of its own and in inference mode."""

import inspect
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from integrations.comfyui import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
from rnst.encoders.names import find_network
from rnst.errors import InvalidValueError
from rnst.stylization.job import resolve
from rnst.stylization.settings import StylizationSettings

_TINY = {"size": 32, "steps": 2, "supersample": 1.0, "encoder": "resnet18_robust", "style_layers": ["layer1"]}
_TINY |= {"content_layers": ["layer1"], "precision": "fp32", "seed": 0}
(_NODE,) = NODE_CLASS_MAPPINGS.values()


def _stylized(*images: torch.Tensor, **options: Any) -> torch.Tensor:
    """As ComfyUI calls it."""

    def call() -> torch.Tensor:
        with torch.inference_mode():
            (result,) = getattr(_NODE(), _NODE.FUNCTION)(*(image.clone() for image in images), **_TINY, **options)
        return result  # type: ignore[no-any-return]

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(call).result()


def test_interface__every_input_is_an_option_with_a_valid_default() -> None:
    assert NODE_CLASS_MAPPINGS.keys() == NODE_DISPLAY_NAME_MAPPINGS.keys()
    assert (_NODE.RETURN_TYPES, len(_NODE.RETURN_NAMES)) == (("IMAGE",), 1)
    inputs = _NODE.INPUT_TYPES()
    assert inputs["required"].pop("content") == inputs["required"].pop("style") == ("IMAGE",)
    assert inputs["optional"].pop("mask")[0] == "MASK"
    options = {**inputs["required"], **inputs["optional"]}
    settings = StylizationSettings(**{name: kind[1]["default"] for name, kind in options.items()})
    for name in ("size", "steps", "style_scale", "colors", "encoder", "seamless", "seed"):
        assert getattr(settings, name) == getattr(StylizationSettings(), name)
    assert resolve(settings).resolution == resolve(StylizationSettings()).resolution
    for encoder in options["encoder"][0]:
        find_network(encoder)
    names = inspect.signature(getattr(_NODE, _NODE.FUNCTION)).parameters
    assert {"content", "style", "mask"} <= names.keys()


def test_a_batch__each_image_by_the_mixed_styles() -> None:
    content, style = torch.rand(2, 24, 32, 3), torch.rand(2, 20, 20, 4)
    result = _stylized(content, style)
    assert result.shape == (2, 24, 32, 3)
    assert 0.0 <= result.min() < result.max() <= 1.0
    assert not result.is_inference()
    assert torch.equal(_stylized(content[1:], style)[0], result[1])
    assert not torch.equal(_stylized(content[1:], style[:1])[0], result[1])


def test_mask__black_stays() -> None:
    content, mask = torch.rand(1, 24, 32, 3), torch.zeros(1, 24, 32)
    mask[..., 16:] = 1
    red = torch.rand(1, 20, 20, 3) * torch.tensor([1.0, 0.1, 0.1])
    result = _stylized(content, red, mask=mask)
    assert (result - content)[:, :, :15].abs().max() < 2 / 255
    assert (result - content)[:, :, 17:].abs().mean() > 5 / 255
    with pytest.raises(InvalidValueError, match="mask"):
        _stylized(content, torch.rand(2, 20, 20, 3), mask=mask)


def test_comfyui__gets_progress_and_can_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    class InterruptedByUser(Exception):  # noqa: N818 - as ComfyUI's own
        """A stop."""

    steps: list[int] = []
    stop = SimpleNamespace(asked=False)

    class Bar:
        def __init__(self, total: int) -> None:
            steps.append(total)

        def update(self, value: int) -> None:
            steps.append(value)

    def check() -> None:
        if stop.asked:
            raise InterruptedByUser

    utils, management = ModuleType("comfy.utils"), ModuleType("comfy.model_management")
    utils.ProgressBar = Bar  # type: ignore[attr-defined]
    management.throw_exception_if_processing_interrupted = check  # type: ignore[attr-defined]
    for module in (ModuleType("comfy"), utils, management):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    images = torch.rand(2, 24, 32, 3), torch.rand(1, 20, 20, 3)
    _stylized(*images)
    assert steps[0] == sum(steps[1:]) == 4
    stop.asked = True
    with pytest.raises(InterruptedByUser):
        _stylized(*images)
