"""A node for ComfyUI that stylizes images by others with `rnst`.

ComfyUI imports this folder from `custom_nodes`; nothing of it is needed to import or to test the node.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

import rnst
from rnst.encoders.names import DEFAULT_ENCODER
from rnst.errors import InvalidValueError
from rnst.image.files import write_image
from rnst.losses.conventions import CONVENTIONS
from rnst.stylization.scales import usual_scales
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.supersampling import USUAL, unless_usual, usual_supersampling

_ENCODERS = (DEFAULT_ENCODER, "resnet50_robust", "resnet18_robust", "vgg19", "vgg16")
_DEFAULTS, _WEIGHTS = StylizationSettings(), CONVENTIONS["relative"]


class StylizeImage:
    """Stylize each image of a batch; the images of the style batch are mixed."""

    CATEGORY = "image/stylize"
    DESCRIPTION = "Stylizes images by one or several others, with the features of a robust network. Works on a CPU."
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("stylized",)
    FUNCTION = "stylize"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:  # noqa: N802 - ComfyUI's name
        """Names, types and ranges of the inputs, as ComfyUI asks for them."""
        choices = tuple(dict.fromkeys(_ENCODERS))
        return {
            "required": {
                "content": ("IMAGE",),
                "style": ("IMAGE",),
                "encoder": (list(choices), {"default": choices[0]}),
                "size": ("INT", {"default": _DEFAULTS.size, "min": 32, "max": 8192, "tooltip": "long side in pixels"}),
                "steps": ("INT", {"default": _DEFAULTS.steps, "min": 1, "max": 10000, "tooltip": "of each scale"}),
                "style_weight": ("FLOAT", {"default": _WEIGHTS.style_weight, "min": 0.0, "max": 10000.0, "step": 0.5}),
                "style_scale": ("FLOAT", {"default": 1.0, "min": 0.1, "max": 10.0, "step": 0.05}),
                "colors": (["free", "luminance", "match", "histogram"], {"default": "free"}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 2**32 - 1}),
            },
            "optional": {
                "mask": ("MASK", {"tooltip": "stylize white alone; for one style"}),
                "supersample": ("FLOAT", {"default": USUAL, "min": 1.0, "max": 4.0, "step": 0.25}),
                "content_weight": (
                    "FLOAT",
                    {"default": _WEIGHTS.content_weight, "min": 0.0, "max": 10000.0, "step": 0.1},
                ),
                "tv_weight": ("FLOAT", {"default": _WEIGHTS.tv_weight, "min": 0.0, "max": 10000.0, "step": 0.5}),
                "seamless": (["none", "x", "y", "both"], {"default": "none", "tooltip": "for images that tile"}),
            },
        }

    def stylize(self, content: Tensor, style: Tensor, mask: Tensor | None = None, **options: Any) -> tuple[Tensor]:
        """Stylize a batch.

        Args:
            content: (B, H, W, C) in [0, 1]; a fourth channel is left out.
            style: (N, H', W', C) in [0, 1]; N images are mixed.
            mask: (1, H, W) or (B, H, W) in [0, 1], where the style goes; None means everywhere.
            options: the other inputs by name.

        Returns:
            (B, H'', W'', 3) in [0, 1].

        Raises:
            RnstError: a mistake in the input, as one line.
        """
        if mask is not None and (len(style) > 1 or len(mask) not in {1, len(content)}):
            raise InvalidValueError(
                "mask", f"{len(mask)} for {len(style)} styles", "one, or one an image, with one style"
            )
        options["supersample"] = unless_usual(options.get("supersample", USUAL))
        watch = _Watch(len(content) * options.get("steps", _DEFAULTS.steps) * _scales(options))
        results = []
        # ComfyUI runs nodes in inference mode, in which nothing can be optimized.
        with torch.inference_mode(mode=False), torch.enable_grad(), TemporaryDirectory(prefix="rnst-") as folder:
            styles = _images(style)
            for number, image in enumerate(_images(content)):
                where: dict[str, Any] = {} if mask is None else _written(mask[min(number, len(mask) - 1)], Path(folder))
                quiet = Console(quiet=True)
                made = rnst.stylize(image, styles, console=quiet, on_step=watch, **where, **options)
                results.append(made.image.detach().permute(0, 2, 3, 1))
            return (torch.cat(results).cpu(),)


class _Watch:
    """Reports steps to ComfyUI, and stops where its user does; without ComfyUI it does nothing.

    Args:
        steps: of all images.
    """

    def __init__(self, steps: int) -> None:
        self._bar: Any = None
        self._check: Any = None
        try:
            from comfy.model_management import throw_exception_if_processing_interrupted
            from comfy.utils import ProgressBar
        except ImportError:
            return
        self._bar, self._check = ProgressBar(steps), throw_exception_if_processing_interrupted

    def __call__(self, step: int, image: Tensor, losses: object) -> None:  # noqa: ARG002 - a signature of rnst
        if self._check is not None:
            self._check()
        if self._bar is not None:
            self._bar.update(1)


def _scales(options: dict[str, Any]) -> int:
    size = options.get("size", _DEFAULTS.size)
    return usual_scales(round(size * (options["supersample"] or usual_supersampling(size))))


def _images(batch: Tensor) -> list[Tensor]:
    """(B, H, W, C) to images (1, 3, H, W), which autograd may use."""
    return list(batch[..., :3].clone().float().permute(0, 3, 1, 2).clamp(0.0, 1.0).split(1))


def _written(mask: Tensor, folder: Path) -> dict[str, Any]:
    """The option for a mask (H, W), which is read from a file."""
    path = folder / "mask.png"
    write_image(mask.clone().float().expand(1, 3, *mask.shape), path)
    return {"content_mask": [str(path)]}


NODE_CLASS_MAPPINGS: dict[str, type[StylizeImage]] = {"RnstStylize": StylizeImage}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {"RnstStylize": "Stylize (rnst)"}
