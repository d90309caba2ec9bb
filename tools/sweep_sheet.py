"""The selected pictures of a sweep as one picture: `python -m tools.sweep_sheet OUT.jpg SWEEP NETWORK [NETWORK ...]`.

A row for each photo, a column for each painting, the networks side by side in each cell, each with its caption.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.reproduction import picks
from tools.picture_sheet import QUALITY, sheet


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m tools.sweep_sheet")
    parser.add_argument("output", type=Path)
    parser.add_argument("sweep", type=Path, help="folder that rnst sweep wrote")
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--height", type=int, default=180, help="of a picture in pixels")
    options = parser.parse_args(arguments)
    pairs = sorted(picks(options.sweep).items())
    styles = len({style for (_, style), _ in pairs})
    pictures = [
        (found[name].image, _caption(style, name if len(options.networks) > 1 else ""))
        for (_, style), found in pairs
        for name in options.networks
    ]
    whole = sheet(pictures, columns=styles * len(options.networks), height=options.height)
    whole.save(options.output, quality=QUALITY)


def _caption(style: str, network: str) -> str:
    """Of a picture: "the scream: robust"."""
    return ": ".join(filter(None, (style.replace("_", " ").replace("-", " "), network.rpartition("_")[2])))


if __name__ == "__main__":
    main()
