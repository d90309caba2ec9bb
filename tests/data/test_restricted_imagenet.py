from pathlib import Path

from rnst.data.photos import list_photos
from rnst.data.restricted_imagenet import RESTRICTED_IMAGENET

_COUNTS = {
    "dog": 118,
    "cat": 5,
    "frog": 3,
    "turtle": 5,
    "bird": 21,
    "primate": 18,
    "fish": 9,
    "crab": 4,
    "insect": 20,
}


def test_counts_and_order() -> None:
    assert {name: len(ids) for name, ids in RESTRICTED_IMAGENET.items()} == _COUNTS
    assert list(RESTRICTED_IMAGENET) == list(_COUNTS), "the order gives the labels"


def test_203_disjoint_wordnet_ids() -> None:
    ids = [wordnet_id for group in RESTRICTED_IMAGENET.values() for wordnet_id in group]
    assert len(ids) == len(set(ids)) == 203
    assert all(wordnet_id[0] == "n" and wordnet_id[1:].isdigit() and len(wordnet_id) == 9 for wordnet_id in ids)


def test_groups_are_ranges_of_imagenets_sorted_ids() -> None:
    """A group is a range of the sorted classes, so no id of another group may lie within it."""
    owner = {wordnet_id: name for name, group in RESTRICTED_IMAGENET.items() for wordnet_id in group}
    for name, group in RESTRICTED_IMAGENET.items():
        assert list(group) == sorted(group)
        assert {owner[each] for each in owner if group[0] <= each <= group[-1]} == {name}


def test_the_real_folders(test_data: Path) -> None:
    """One real photo for each of the 203 classes, in ImageNet's own layout: all are found, none is left over."""
    train = test_data / "restricted_imagenet" / "train"
    files = list_photos(train, RESTRICTED_IMAGENET)
    assert {path.parent.name for path, _ in files} == {path.name for path in train.iterdir() if path.is_dir()}
    assert len(files) == 203
    labels = [label for _, label in files]
    assert [labels.count(label) for label in range(9)] == list(_COUNTS.values())
