import json
from dataclasses import replace
from pathlib import Path

import pytest

from rnst.errors import MissingPathError, UnreadableFileError
from rnst.metrics.robustness import Evaluation, Measurement, interval, masking_signs


def _evaluation(*measurements: tuple[str, float, int, int]) -> Evaluation:
    """Of 1000 photos in two classes; each measurement is attack, radius, steps, right answers."""
    return Evaluation(
        network="net",
        data="photos",
        norm="l2",
        image_size=64,
        class_names=("cat", "dog"),
        photos_of_class=(400, 600),
        measurements=tuple(
            Measurement(name, radius, steps, (min(right, 400), max(0, right - 400)))
            for name, radius, steps, right in (("clean", 0.0, 0, 800), *measurements)
        ),
    )


_SOUND = _evaluation(
    ("PGD-20", 1.0, 20, 500),
    ("PGD-20", 2.0, 20, 300),
    ("PGD-100", 1.0, 100, 496),
    ("PGD-100", 2.0, 100, 295),
    ("AutoAttack", 1.0, 0, 470),
)


def test_json_round_trip(tmp_path: Path) -> None:
    evaluation = replace(_SOUND, settings={"seed": 3}, facts={"radius": 1.0}, seconds=1.5, versions={"torch": "2"})
    evaluation.write(tmp_path / "new" / "evaluation.json")
    assert Evaluation.read(tmp_path / "new" / "evaluation.json") == evaluation


def test_json_says_what_a_reader_wants(tmp_path: Path) -> None:
    _SOUND.write(tmp_path / "evaluation.json")
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert content["photos"] == 1000
    assert [entry["accuracy"] for entry in content["measurements"]] == [0.8, 0.5, 0.3, 0.496, 0.295, 0.47]
    low, high = content["measurements"][1]["interval_95"]
    assert low < 0.5 < high
    assert content["warnings"] == []


@pytest.mark.parametrize("content", ["no json", "[]", "{}", '{"network": 3}'])
def test_read__something_else(tmp_path: Path, content: str) -> None:
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(UnreadableFileError, match="as an evaluation"):
        Evaluation.read(tmp_path / "evaluation.json")
    with pytest.raises(MissingPathError):
        Evaluation.read(tmp_path / "nowhere.json")


def test_curve__begins_at_the_clean_photos() -> None:
    assert _SOUND.curve("PGD-20") == ([0.0, 1.0, 2.0], [0.8, 0.5, 0.3])
    assert _SOUND.curve("AutoAttack") == ([0.0, 1.0], [0.8, 0.47])
    assert _SOUND.attacks == ("PGD-20", "PGD-100", "AutoAttack")


@pytest.mark.parametrize(
    ("right", "photos", "expected"),
    # Figures of the textbook example (Newcombe 1998, table 1: 81 of 263; 0 of 20).
    [(81, 263, (0.2553, 0.3662)), (0, 20, (0.0, 0.1611)), (20, 20, (0.8389, 1.0)), (0, 0, (0.0, 1.0))],
)
def test_interval(right: int, photos: int, expected: tuple[float, float]) -> None:
    assert interval(right, photos) == pytest.approx(expected, abs=1e-4)


def test_masking_signs__none_where_accuracy_falls() -> None:
    assert masking_signs(_SOUND) == []
    chance = _evaluation(("PGD-20", 1.0, 20, 500), ("PGD-100", 1.0, 100, 504))
    assert masking_signs(chance) == [], "random starts differ"


@pytest.mark.parametrize(("more", "signs"), [(42, 0), (43, 1)])
def test_masking_signs__one_or_two_of_a_hundred_photos_are_chance(more: int, signs: int) -> None:
    few = replace(_evaluation(("PGD-20", 1.0, 20, 40), ("PGD-100", 1.0, 100, more)), photos_of_class=(60, 40))
    assert len(masking_signs(few)) == signs


def test_masking_signs__accuracy_rises_with_the_radius() -> None:
    (sign,) = masking_signs(_evaluation(("PGD-20", 1.0, 20, 500), ("PGD-20", 2.0, 20, 530)))
    assert sign == "PGD-20: accuracy rises from 50.0% at radius 1 to 53.0% at 2"


def test_masking_signs__more_steps_help_the_defender() -> None:
    (sign,) = masking_signs(_evaluation(("PGD-100", 1.0, 100, 530), ("PGD-20", 1.0, 20, 500)))
    assert sign == "radius 1: accuracy rises from 50.0% under PGD-20 to 53.0% under PGD-100"


def test_masking_signs__autoattack_finds_much_more() -> None:
    (sign,) = masking_signs(_evaluation(("PGD-20", 1.0, 20, 500), ("AutoAttack", 1.0, 0, 300)))
    assert "AutoAttack leaves 30.0%, PGD 50.0%" in sign
