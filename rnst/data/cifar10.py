"""CIFAR-10 through torchvision, which downloads the archive and checks the hash of every file."""

from pathlib import Path
from typing import ClassVar
from urllib.error import URLError

import torch
from torchvision.datasets import CIFAR10

from rnst.data.photos import LabeledPhotos, PhotosInMemory, Preprocessing
from rnst.data.sources import Source, Split
from rnst.errors import MissingPathError


class Cifar10Source(Source):
    """60,000 photos of 32 x 32 pixels in ten classes (Krizhevsky 2009); the split "val" is the test set.

    Args:
        root: folder that holds cifar-10-batches-py; the archive is downloaded there if it is missing.
    """

    mean = (0.4914, 0.4822, 0.4465)
    std = (0.2023, 0.1994, 0.2010)  # mean of the images' own deviations: the convention of published models
    archive: ClassVar[type[CIFAR10]] = CIFAR10

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def class_names(self) -> tuple[str, ...]:
        """The archive's own list, as a constant: the names are needed before the download."""
        return ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    def prepare(self) -> None:
        """Download the archive if it is missing.

        Raises:
            MissingPathError: the archive is missing and cannot be downloaded.
        """
        if self._archive_is_whole():
            return
        try:
            self.archive(self._root, download=True)
        except (URLError, OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise MissingPathError(
                (self._root / self.archive.base_folder).absolute(),
                "CIFAR-10",
                f"Its download failed ({reason}). Unpack {self.archive.url} into {self._root.absolute()}, "
                "or name the folder that holds it with --data.root.",
            ) from error

    def open(self, split: Split, view: Preprocessing) -> LabeledPhotos:
        """All photos of one split, in memory."""
        self.prepare()
        data = self.archive(self._root, train=split == "train")
        return PhotosInMemory(torch.from_numpy(data.data).permute(0, 3, 1, 2), data.targets, view)

    def _archive_is_whole(self) -> bool:
        try:
            self.archive(self._root, train=False)
        except RuntimeError:  # raised by torchvision if a file is missing or has another hash
            return False
        return True
