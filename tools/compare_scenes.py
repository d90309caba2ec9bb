"""The scenes of `compare_commits.py`: command lines with a tiny budget, and the pictures and photos that they read.

Each scene runs in a folder of its own, beside the pictures, so `../photo.png` is one. An option may occur twice in a
command line; the later one counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

_SMALL = (
    "--content ../photo.png --style ../painting.png --output out.png --encoder resnet18 --weights random --size 64 "
    "--steps 4 --scales 1 --shifts 2 --precision fp32 --save_every 0 --seed 7 --tracking off"
)
_VGG = "--encoder vgg11 --style_layers relu1_1 relu2_1 relu3_1 --content_layers relu3_1"
_TILES = "--size 96 --style_layers stem layer1 --content_layers layer1 --tile 64"
_TWO = "--style ../painting.png ../strokes.png"
_STOPPED = "--steps 40 --save_every 2"

_PICTURES = {
    # Losses
    "gram": "--style_loss gram",
    "w2": "--style_loss w2",
    "gram, softmax": "--style_loss gram --smoothing softmax",
    "w2, softmax": "--style_loss w2 --smoothing softmax",
    "content alone": "--style_weight 0",
    "style alone": "--content_weight 0",
    "texture": "--content none --aspect 0.75",
    "no total variation": "--tv_weight 0",
    "weights of layers": "--style_layers stem layer1 layer2 --style_layer_weights 1 0 2.5 "
    "--content_layers layer2 layer3 --content_layer_weights 0.5 2",
    "equal gradients": "--normalize_gradients true",
    "convention nakano": f"{_VGG} --convention nakano",
    "convention gatys2015": f"{_VGG} --convention gatys2015",
    "convention neural-style": f"{_VGG} --convention neural-style",
    "convention gatys-torch": f"{_VGG} --convention gatys-torch",
    # Optimizers and parametrizations
    "lbfgs, pixels": "--parameters pixels",
    "lbfgs, clamped": "--parameters clamped",
    "lbfgs, no line search": "--line_search false --history 2 --learning_rate 0.5",
    "adam, fourier, averaged": "--optimizer adam --averaging 0.9",
    "adam, pixels, best": "--optimizer adam --parameters pixels --averaging 0",
    "adam, clamped": "--optimizer adam --parameters clamped --learning_rate 0.02",
    "decay of the spectrum": "--fourier_decay 1 --margin 4",
    "bf16": "--precision bf16",
    "bf16, adam": "--precision bf16 --optimizer adam",
    "three scales": "--scales 3 --size 96",
    "no shifts": "--shifts 1",
    "shifts by four": "--shifts_per_step 4",
    "many shifts": "--shifts 16 --steps 8",
    "robust transforms": "--transforms robust --steps 17",
    "robust transforms, adam": "--transforms robust --optimizer adam --shifts_per_step 2",
    # Starts, colors, regions
    "from noise": "--init noise",
    "from the style": "--init style",
    "from noise like the style": "--init style_noise",
    "from a file": "--init ../strokes.png",
    "decorrelated colors": "--color_basis decorrelated --init noise",
    "colors of a picture": "--color_basis ../painting.png --init noise",
    "luminance": "--colors luminance",
    "matched colors": "--colors match",
    "histograms": "--colors histogram",
    "two styles": f"{_TWO} --style_weights 2 1 --style_scale 0.75",
    "masks": f"{_TWO} --content_mask ../left.png --style_mask ../left.png ../left.png",
    "colored masks": f"{_TWO} --content_mask ../halves.png --style_mask ../halves.png ../halves.png",
    "transparent photo": "--content ../cutout.png",
    # Networks and changes to them
    "vgg16, bundled": "--encoder vgg16_standard --weights null",
    "resnet50, bundled": "--encoder resnet50_standard --weights null --precision bf16",
    "vgg11": f"{_VGG} --precision bf16",
    "alexnet": "--encoder alexnet --stem dense",
    "googlenet": "--encoder googlenet --relu redirected",
    "densenet121": "--encoder densenet121 --steps 3",
    "efficientnet_b0": "--encoder efficientnet_b0 --steps 3",
    "convnext_tiny": "--encoder convnext_tiny --steps 3",
    "timm resnet": "--encoder timm/test_resnet --relu fake_last",
    "timm transformer": "--encoder timm/test_vit --size 96",
    "no blur": "--strides keep",
    "blurred stem": "--strides blur_stem --pooling avg",
    "even pools": "--pool_kernel even --pooling max --padding first",
    "mean squares": "--pooling l2 --padding all",
    "leaky": f"{_VGG} --relu leaky",
    "softplus": "--relu softplus --normalization imagenet",
    "dense stem": "--stem dense --normalization restricted_imagenet",
    # Tiles, files
    "tiles": _TILES,
    "tiles, bf16, adam": f"{_TILES} --precision bf16 --optimizer adam",
    "tiles, gram, two scales": f"{_TILES} --style_loss gram --scales 2",
    "tiles, robust transforms": f"{_TILES} --transforms robust --optimizer adam",
    "snapshots": "--save_every 2 --colors luminance",
    "jpeg": "--output out.jpg --quality 80",
    "webp": "--output out.webp",
    "tiff": "--output out.tif",
    "scores": "--size 96 --scores true",
    "short side": "--side short --size 48",
    "a folder": "--content ../frames --output stylized/out.png",
    "a sequence": "--content ../frames --output stylized --sequence true --sequence_weight 5",
}
_PRESETS = ("article_vgg19", "draft", "gatys2015", "lucid_googlenet", "neural_style", "swag_resnet50")
_PRESET_BUDGET = (
    "--content ../photo.png --style ../painting.png --output out.png --weights random --size 64 --side long --steps 3 "
    "--seed 7 --tracking off"
)
_DEFAULTS = "--content ../photo.png --style ../painting.png --output out.png --size 64 --steps 4 --tracking off"

_EPOCHS = (
    "--data.root ../photos --output net.safetensors --half false --seed_everything 7 --data.image_size 32 "
    "--data.stages null --data.batch_size 4 --data.workers 0 --trainer.max_epochs 2 --trainer.accelerator cpu "
    "--trainer.check_val_every_n_epoch 1 --trainer.log_every_n_steps 1 --trainer.enable_progress_bar false "
    "--tracking off"
)


@dataclass(frozen=True)
class Command:
    """One start of a program.

    Attributes:
        program: "stylize" or "train_robust", a script in the root of a checkout.
        line: its arguments, separated by spaces.
        stop_at: a file; Ctrl-C is pressed as soon as it is there.
    """

    program: str
    line: str
    stop_at: str = ""


@dataclass(frozen=True)
class Wording:
    """Command lines in the options of a commit.

    Attributes:
        renames: old -> new name of an option, "" drops it with its values; option:old value -> new value.
        added: option -> value, for every picture whose command line or preset sets no other.
    """

    renames: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, command: Command) -> list[str]:
        """The words of a command line."""
        added = self.added.items() if command.program == "stylize" else ()
        words = [word for name, value in added for word in (f"--{name}", value)]
        option, new = "", ""
        for word in command.line.split():
            if word.startswith("--"):
                option = word.removeprefix("--")
                new = self.renames.get(option, option)
                words += [f"--{new}"] if new else []
            elif new:
                words.append(self.renames.get(f"{option}:{word}", word))
        return words


def _scenes() -> dict[str, tuple[Command, ...]]:
    def picture(line: str, stop_at: str = "") -> Command:
        return Command("stylize", line, stop_at)

    scenes: dict[str, tuple[Command, ...]] = {
        "training": (Command("train_robust", f"--config imagenette {_EPOCHS} --trainer.precision 32-true"),),
        "training, TRADES": (Command("train_robust", f"--config imagenette_trades {_EPOCHS}"),),
        # Not later: the second process has to import everything by itself.
        "two processes": (picture(f"{_SMALL} {_TILES} --devices 2"),),
        "defaults": (picture(_DEFAULTS),),
    }
    for name, more in {"lbfgs": "", "adam": "--optimizer adam --averaging 0.9"}.items():
        whole = f"{_SMALL} {_STOPPED} {more}"
        scenes[f"resumed, {name}"] = (picture(whole, "out.state.safetensors"), picture(f"{whole} --resume true"))
    scenes |= {name: (picture(f"{_SMALL} {more}"),) for name, more in _PICTURES.items()}
    return scenes | {f"preset {name}": (picture(f"--config {name} {_PRESET_BUDGET}"),) for name in _PRESETS}


SCENES = _scenes()


def write_inputs(folder: Path) -> None:
    """Write the pictures, the frames and the photos that the scenes read: the same ones every time."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[0:72, 0:96]
    waves = np.stack([np.sin(columns / width + rows / height) for width, height in ((5, 9), (7, 4), (11, 6))], axis=2)
    photo = 128 + 70 * waves + generator.normal(0, 12, (72, 96, 3))
    blocks = np.kron(generator.integers(0, 256, (11, 9, 3)), np.ones((8, 8, 1)))
    left = np.where(columns < columns.shape[1] // 2, 255, 0)
    halves = np.stack([left, 255 - left, 0 * left], axis=2)
    pictures = {"photo": photo, "painting": blocks, "strokes": np.roll(blocks, (3, 5), (0, 1)).transpose(1, 0, 2)}
    pictures |= {"left": left, "halves": halves, "cutout": np.dstack([photo, left])}
    pictures |= {f"frames/frame{number}": np.roll(photo, 3 * number, 1) for number in range(2)}
    for name in ("n01", "n02", "n03"):
        color = generator.integers(40, 215, 3)
        for file in ("train/{}/0", "train/{}/1", "train/{}/2", "train/{}/3", "val/{}/0", "val/{}/1"):
            pictures[f"photos/{file.format(name)}"] = color + generator.integers(-40, 40, (40, 48, 3))
    for name, pixels in pictures.items():
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
