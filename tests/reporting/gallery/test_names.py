from pathlib import Path

import pytest

from rnst.errors import MissingPathError, UnknownNameError, UnreadableFileError
from rnst.reporting.gallery.names import read_names


def test_own_titles__outrank_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text("networks: {resnet50_robust: Ours}\nstyles: {1893: The Scream}\n")
    names = read_names(tmp_path / "names.yaml")
    assert names.networks["resnet50_robust"] == "Ours"
    assert names.networks["resnet50_standard"] == "Standard ResNet-50"
    assert names.styles["1893"] == "The Scream"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("paintings: {a: b}", UnknownNameError),
        ("networks: [a, b]", UnreadableFileError),
        ("just a text", UnreadableFileError),
        ("a: [", UnreadableFileError),
        ("!!python/object/apply:os.system [ls]", UnreadableFileError),
    ],
)
def test_mistakes(content: str, error: type[Exception], tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text(content)
    with pytest.raises(error):
        read_names(tmp_path / "names.yaml")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match="--names"):
        read_names(tmp_path / "names.yaml")
