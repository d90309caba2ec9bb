from pathlib import Path

import pytest

from rnst.errors import RnstError
from rnst.stylization.output_names import named_by


def test_names_are_filled_in() -> None:
    settings = {"content": "photos/a cat.jpg", "style": ["x/waves.png", "flow"], "style_weight": 1e-3, "size": 512}
    path = named_by(Path("out/{content}--{style}/{style_weight}-{size}.png"), settings)
    assert path == Path("out/a-cat--waves+flow/0.001-512.png")


def test_values_stay_inside_their_folder() -> None:
    assert named_by(Path("out/{encoder}.png"), {"encoder": "timm/../../x"}) == Path("out/timm-..-..-x.png")


def test_a_path_without_names_stays_as_it_is() -> None:
    assert named_by(Path("out/a{}b.png"), {}) == Path("out/a{}b.png")


def test_unknown_name__says_which() -> None:
    with pytest.raises(RnstError, match=r"'weight'.*style_weight"):
        named_by(Path("{weight}.png"), {"style_weight": 1.0})
