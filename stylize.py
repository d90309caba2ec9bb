"""Paint a photo in the style of a painting: `python stylize.py --help`."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning idle threads slow a shared machine many times over

from rnst.cli import stylize

if __name__ == "__main__":
    stylize()
