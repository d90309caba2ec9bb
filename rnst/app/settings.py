"""Settings of the page."""

from dataclasses import dataclass
from pathlib import Path

from rnst.ranges import Port, check_ranges


@dataclass(frozen=True)
class AppSettings:
    """Settings of the page.

    Args:
        output: folder of the pictures; photos and paintings that are dropped on the page are copied to its folder app.
        port: where the page is served on this machine; 0 takes a free one.
    """

    output: Path = Path("outputs")
    port: Port = 7860

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InvalidValueError: one is out of range.
        """
        check_ranges(self)
