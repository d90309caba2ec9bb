"""`rnst.stylize`: one call from pictures to a picture, for scripts and notebooks."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.image.files import PilImage, from_pil, write_image
from rnst.image.samples import DEFAULT_PAINTING, DEFAULT_PHOTO
from rnst.stylization.picture import Stylized
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize as stylize_settings

PictureLike = str | Path | Tensor | PilImage


def stylize(
    content: PictureLike = DEFAULT_PHOTO,
    style: PictureLike | Sequence[PictureLike] = DEFAULT_PAINTING,
    *,
    output: str | Path | None = None,
    **options: Any,
) -> Stylized:
    """Stylize one picture.

    Args:
        content: path, name of a sample, PIL image, or tensor (1, 3, H, W) or (3, H, W) in [0, 1]; "none" for a texture.
        style: the same; several are mixed.
        output: file to write, with its sidecar; None writes nothing that stays.
        options: every other option of `stylize.py` by its name, `console` and `on_step`, see
            `rnst.stylization.stylize.stylize`. Nothing is tracked unless `tracking` is given.

    Returns:
        The picture as a tensor, `.pil` as a PIL image, and the record of the run.

    Raises:
        RnstError: a mistake in the input, with the line that the command would print.
        TypeError: no such option.
    """
    styles = list(style) if isinstance(style, Sequence) and not isinstance(style, str) else [style]
    with TemporaryDirectory(prefix="rnst-") as folder:
        names = [_named(picture, Path(folder), number) for number, picture in enumerate([content, *styles])]
        where = Path(folder) / "stylized.png" if output is None else Path(output)
        settings = StylizationSettings(content=names[0], style=names[1:], output=where, tracking="off")
        return stylize_settings(settings, **options)


def _named(picture: Any, folder: Path, number: int) -> str:
    """Path or name of a picture; one that is in memory is written with 16 bits.

    Raises:
        InvalidValueError: it is none of `PictureLike`.
    """
    if isinstance(picture, str | Path):
        return str(picture)
    path = folder / (f"style{number}.tif" if number else "content.tif")
    if isinstance(picture, PilImage):
        picture = from_pil(picture)
    is_image = isinstance(picture, Tensor) and picture.is_floating_point() and picture.shape[-3:-2] == (3,)
    if not is_image or picture.shape[:-3] not in {(), (1,)}:
        wanted = "a path, a PIL image, or a tensor (3, H, W) or (1, 3, H, W) of numbers from 0 to 1, not of integers"
        raise InvalidValueError("style" if number else "content", type(picture).__name__, wanted)
    write_image(picture, path)
    return str(path)
