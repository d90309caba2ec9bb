"""`python -m rnst` is `rnst`, where the script of an installed package is not on the path."""

from rnst.cli import main

if __name__ == "__main__":
    main()
