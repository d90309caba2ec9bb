from rnst.data.class_names import class_names, readable


def test_wordnet_ids_get_words_and_keep_their_ids() -> None:
    assert class_names(["n01440764", "n03888257", "mine"], 3) == ("n01440764|tench", "n03888257|parachute", "mine")
    assert [readable(name) for name in ("n01440764|tench", "mine")] == ["tench", "mine"]


def test_a_file_that_says_nothing() -> None:
    assert class_names(None, 3) == ("0", "1", "2")
    thousand = class_names(None, 1000)
    assert len(thousand) == 1000
    assert thousand[217] == "n02102040|English springer"
