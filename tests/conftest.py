"""What all tests share: quiet threads, a fixed seed, tiny photos, and the folder of real pictures."""

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

# Before torch is imported: threads that spin while they wait make each step many times slower on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread for each of several processes
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts its background commands so
    signal.signal(signal.SIGINT, signal.default_int_handler)

_REPOSITORY = Path(__file__).parents[1]

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_BROWSER_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_PATIENCE = 20_000  # ms; other programs may keep the machine busy

MakePhotos = Callable[..., Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest file, so that no process waits for it at the end."""
    items.sort(key=lambda item: item.path.name != "test_fake_device.py")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    import torch  # not above: the environment must be set first

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries that draw from the global generator
    torch.manual_seed(0)


@pytest.fixture
def test_data() -> Path:
    """The folder of real pictures: RNST_TEST_DATA, or ../shared/data beside the repository."""
    folder = Path(os.environ.get("RNST_TEST_DATA", _REPOSITORY / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real pictures: {folder} is absent; RNST_TEST_DATA names another folder")
    return folder


@pytest.fixture
def make_photos(tmp_path: Path) -> MakePhotos:
    """A function that makes a data set: a noisy color for each class, under train and val."""
    return partial(_make_photos, tmp_path)


@pytest.fixture(scope="module")
def make_photos_once(tmp_path_factory: pytest.TempPathFactory) -> MakePhotos:
    """The same for all tests of a module."""
    return partial(_make_photos, tmp_path_factory.mktemp("photos"))


def _make_photos(
    folder: Path, classes: Iterable[str] = ("n01", "n02", "n03"), train: int = 4, val: int = 2, side: int = 40
) -> Path:
    generator = np.random.default_rng(0)
    root = folder / "photos"
    for name in classes:
        color = generator.integers(40, 215, 3)
        for split, count in (("train", train), ("val", val)):
            there = root / split / name
            there.mkdir(parents=True)
            for number in range(count):
                pixels = color + generator.integers(-40, 40, (side, side + 8, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(there / f"{split}{number}.png", compress_level=1)
    return root


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev group")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no chromium on the PATH")
    api.expect.set_options(timeout=_PATIENCE)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_BROWSER_FLAGS)
        yield browser
        browser.close()
