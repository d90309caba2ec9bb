"""Groups of ImageNet's classes, by WordNet id.

Ranges of folder *indices* give wrong labels as soon as a folder is missing. The published ranges therefore select
WordNet ids from the full table, and photos are found by these ids.
"""

from rnst.data.imagenet import IMAGENET

Groups = dict[str, tuple[str, ...]]


def _groups(ranges: dict[str, tuple[int, int]]) -> Groups:
    """Class name -> WordNet ids; the order of the names is the order of the labels. Ranges include both ends."""
    return {name: IMAGENET[first : last + 1] for name, (first, last) in ranges.items()}


# Source: the class ranges of the `robustness` library (Tsipras et al. 2019, appendix A.2).
RESTRICTED_IMAGENET = _groups(
    {
        "dog": (151, 268),
        "cat": (281, 285),
        "frog": (30, 32),
        "turtle": (33, 37),
        "bird": (80, 100),
        "primate": (365, 382),
        "fish": (389, 397),
        "crab": (118, 121),
        "insect": (300, 319),
    }
)

# Source: the 14 groups of the same authors' older `robustness_lib`; each has five classes, except monkeys with four.
RESTRICTED_IMAGENET_BALANCED = _groups(
    {
        "bird": (10, 14),
        "turtle": (33, 37),
        "lizard": (42, 46),
        "spider": (72, 76),
        "crab": (118, 122),
        "dog": (200, 204),
        "cat": (281, 285),
        "big cat": (286, 290),
        "beetle": (302, 306),
        "butterfly": (322, 326),
        "monkey": (371, 374),
        "fish": (393, 397),
        "fruit": (948, 952),
        "fungus": (992, 996),
    }
)
