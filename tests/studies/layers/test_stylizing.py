"""Pictures of the study: one file for each network, layer and weight."""

from pathlib import Path

import pytest

from rnst.errors import InvalidValueError
from rnst.studies.artifacts.settings import ArtifactSettings
from rnst.studies.layers.settings import LayerSettings
from rnst.studies.layers.stylizing import _job

_NAME = "resnet18_robust.safetensors"


def test_weights_of_one_name__have_pictures_of_their_own(tmp_path: Path) -> None:
    names = [f"resnet18:{tmp_path / folder / _NAME}" for folder in ("a", "b")]
    settings = LayerSettings(data=tmp_path, encoders=names)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / _NAME).touch()
    outputs = [_job(settings, name, "layer1", 10.0).records.output for name in names]
    assert outputs[0] != outputs[1]


def test_networks_that_would_share_a_folder__are_refused() -> None:
    names = ["resnet18:x/a/net.pt", "resnet18:y/a/net.pt"]
    with pytest.raises(InvalidValueError, match="--encoders"):
        LayerSettings(data=Path(), encoders=names)
    with pytest.raises(InvalidValueError, match="--encoders"):
        ArtifactSettings(encoders=names)
