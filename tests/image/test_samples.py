"""Samples: every name leads to a picture on disk that may be used freely."""

import socket
from dataclasses import replace

import pytest

from rnst.errors import MissingPathError, UnknownNameError
from rnst.image import samples
from rnst.image.files import read_image
from rnst.image.samples import DEFAULT_PAINTING, DEFAULT_PHOTO, KINDS, SAMPLES, find_picture, sample_names, sample_path


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_opens_without_a_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("a sample reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    path = sample_path(name)
    assert path is not None
    image = read_image(path)
    assert image.shape[:2] == (1, 3)
    assert min(image.shape[2:]) >= 300
    assert image.std() > 0.05


@pytest.mark.parametrize(("kind", "default"), [("photo", DEFAULT_PHOTO), ("painting", DEFAULT_PAINTING)])
def test_the_default_comes_first(kind: str, default: str) -> None:
    assert sample_names(kind)[0] == default


def test_every_sample_is_listed_once_and_free() -> None:
    assert sorted(name for kind in KINDS for name in sample_names(kind)) == sorted(SAMPLES)
    assert {sample.license for sample in SAMPLES.values()} == {"CC0", "public domain", "that of rnst"}


def test_an_unknown_kind_lists_the_valid_ones() -> None:
    with pytest.raises(UnknownNameError, match="photo, painting"):
        sample_names("video")


def test_a_name_that_is_no_sample_has_no_path() -> None:
    assert sample_path("holiday.jpg") is None


def test_a_sample_whose_file_is_missing_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(SAMPLES[DEFAULT_PHOTO], file="data/gone.png")
    monkeypatch.setitem(samples.SAMPLES, DEFAULT_PHOTO, gone)
    with pytest.raises(MissingPathError, match="Reinstall skimage"):
        sample_path(DEFAULT_PHOTO)


def test_a_mistyped_sample_is_recognized() -> None:
    with pytest.raises(MissingPathError, match=r"Did you mean coffee\? Give a picture"):
        find_picture("coffe")
