"""Train adversarially robust weights: `python train_robust.py --help`."""

from rnst.cli import train_robust

if __name__ == "__main__":
    train_robust()
