"""A finished picture with its inputs, settings and scores, stored in a JSON sidecar."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from rnst.files import read_json, write_json


@dataclass(frozen=True)
class Result:
    """One finished picture.

    Attributes:
        image: file of the picture. The sidecar stores its name only, so that folders of results can be relocated.
        content: name of the content picture, or "" if there is none.
        styles: names of the style pictures.
        encoder: name of the network.
        settings: every setting of the run, resolved.
        seconds: wall time of the optimization.
        peak_memory_bytes: of the process, or of the device.
        losses: name -> last value of each loss term, including "total".
        scores: name -> value of each metric of the finished picture; filled in by comparisons.
        weights_sha256: hash of the weight file, or "" if the weights did not come from a file.
        sources_sha256: option -> hash of each picture that it names: content, style, masks and init.
        size: width and height in pixels.
        finished: False if the user stopped the run before the last step.
        curves: name -> loss at each step under "step", of the session that finished the picture.
    """

    image: Path
    content: str
    styles: tuple[str, ...]
    encoder: str
    settings: Mapping[str, Any]
    seconds: float
    peak_memory_bytes: int
    losses: Mapping[str, float]
    scores: Mapping[str, float] = field(default_factory=dict)
    weights_sha256: str = ""
    sources_sha256: Mapping[str, list[str]] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    finished: bool = True
    curves: Mapping[str, list[float]] = field(default_factory=dict)

    @property
    def sidecar(self) -> Path:
        """The JSON file beside the picture."""
        return self.image.with_suffix(".json")

    def write(self) -> Path:
        """Write the sidecar, complete or not at all."""
        content = {**asdict(self), "image": self.image.name}
        write_json(self.sidecar, content)
        return self.sidecar

    @classmethod
    def read(cls, sidecar: Path) -> Self:
        """Read a sidecar; the picture is expected beside it.

        Raises:
            MissingPathError: the file does not exist.
            UnreadableFileError: the file is not a sidecar of ours.
        """
        read = read_json(sidecar, "a result", "Give the .json file beside a picture.", cls._from_json)
        return replace(read, image=sidecar.parent / read.image.name)

    @classmethod
    def _from_json(cls, content: Mapping[str, Any]) -> Self:
        known = {name: content[name] for name in (entry.name for entry in fields(cls)) if name in content}
        known["image"] = Path(known["image"])
        known["styles"], known["size"] = tuple(known["styles"]), tuple(known.get("size", (0, 0)))
        return cls(**known)
