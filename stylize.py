"""Stylize a photo by a painting: `python stylize.py --help`."""

from rnst.cli import stylize

if __name__ == "__main__":
    stylize()
