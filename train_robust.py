"""Train adversarially robust weights: `python train_robust.py --help`."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning idle threads slow a shared machine many times over

from rnst.cli import train_robust

if __name__ == "__main__":
    train_robust()
