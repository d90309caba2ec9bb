import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from rnst.cli import main
from rnst.encoders.weights.facts import FactError, checked_facts, read_facts
from rnst.encoders.weights.files import read_weights
from rnst.encoders.weights.layouts import FACTS_KEY
from rnst.errors import UnreadableFileError

_RIGHT: dict[str, Any] = {
    "architecture": "resnet18",
    "classes": ["a", "b"],
    "image_size": 128,
    "mean": [0.5, 0, -1.5],
    "std": [0.25, 1, 58.395],
    "norm": "linf",
    "radius": 0,
    "logits": 2,
    "epochs": 0,
    "accuracy_clean": 1.0,
    "accuracy_attacked": 0.25,
    "accuracy_clean_as_published": None,
    "converted_from": {"file": "theirs.pt", "versions": ["1", 2, None, True]},
}
_INFINITE = (float("nan"), float("inf"), -float("inf"))
_WRONG: dict[str, tuple[Any, ...]] = {
    "architecture": (5, "", None, ["resnet18"]),
    "classes": ("ab", 2, None, ["a", 3], [["a"]], {"a": 0}),
    "image_size": (0, -128, 128.5, "128", True, None, 10**30),
    "mean": ([0.5, 0.5], [0.5] * 4, 0.5, ["a", "b", "c"], [0.5, None, 0.5], [True] * 3, None, [0, 0, 1e300]),
    "std": ([0.2, 0.2, 0], [0.2, 0.2, -0.2], [1e-40] * 3, [0.2], "0.2", None, [1e300, 1, 1]),
    "norm": (2, "", None),
    "radius": (-0.5, "3", None, True, [3.0]),
    "logits": (0, 2.5, "2"),
    "epochs": (-1, 1.5, "7"),
    "accuracy_clean": (1.5, -0.1, "0.5", None),
}
_CASES = [(name, value) for name, values in _WRONG.items() for value in values]
_CASES += [("mean", [0.5, 0.5, value]) for value in _INFINITE] + [("std", [value, 0.5, 0.5]) for value in _INFINITE]
_CASES += [("radius", value) for value in _INFINITE] + [("anything", {"deep": [value]}) for value in _INFINITE]


def _write(path: Path, facts: object) -> None:
    """Facts that our own writer would refuse, too."""
    weights = {"a.weight": torch.ones(2, 2)}
    if path.suffix == ".safetensors":
        text = facts if isinstance(facts, str) else json.dumps(facts)
        save_file(weights, path, metadata={FACTS_KEY: text})
    else:
        torch.save({"model": weights, FACTS_KEY: facts}, path)


def test_right_facts_stay_what_they_are() -> None:
    assert checked_facts(_RIGHT) == _RIGHT
    assert read_facts(json.dumps(_RIGHT)) == _RIGHT
    assert checked_facts({"mean": (0.5, 0.5, 0.5)}) == {"mean": [0.5, 0.5, 0.5]}, "as JSON gives it back"


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt"])
@pytest.mark.parametrize(("fact", "value"), _CASES, ids=str)
def test_a_wrong_fact__named_in_one_line(tmp_path: Path, name: str, fact: str, value: object) -> None:
    path = tmp_path / name
    _write(path, {**_RIGHT, fact: value})
    with pytest.raises(
        UnreadableFileError, match=rf"cannot read .*{name} as weights: its fact '{fact}' is "
    ) as refused:
        read_weights(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250 + len(str(path))
    assert ", but must be " in str(refused.value)


@pytest.mark.parametrize(
    "text", ["[]", "5", "null", '"facts"', "{", "", "[" * 100_000, '{"radius": ' + "9" * 5000 + "}"]
)
def test_facts_that_are_no_object(tmp_path: Path, text: str) -> None:
    _write(tmp_path / "net.safetensors", text)
    with pytest.raises(UnreadableFileError, match="its fact") as refused:
        read_weights(tmp_path / "net.safetensors")
    assert "\n" not in str(refused.value)


def test_a_pickle_of_facts_that_json_does_not_know(tmp_path: Path) -> None:
    for facts in ([1], {3: "x"}, {"x": {1, 2}}, {"x": torch.zeros(1)}, {"x": b"x"}):
        _write(tmp_path / "net.pt", facts)
        with pytest.raises(UnreadableFileError, match=r"its fact|one of its facts"):
            read_weights(tmp_path / "net.pt")


def test_facts_that_stand_for_more_than_memory_holds(tmp_path: Path) -> None:
    """Lists that hold one list many times take a kilobyte on disk; a copy of each would take 2 ** 100 lists."""
    bomb: list[Any] = []
    for _ in range(100):
        bomb = [bomb, bomb]
    endless: list[Any] = []
    endless.append(endless)
    started = time.monotonic()
    for facts in ({"x": bomb}, {"classes": bomb}, {"x": endless}, {"mean": endless}):
        with pytest.raises(FactError, match=r"its fact '\w+' is a list of \d|its fact '\w+' is \["):
            checked_facts(facts)
    _write(tmp_path / "net.pt", {"x": bomb})
    with pytest.raises(UnreadableFileError, match="its fact 'x' is"):
        read_weights(tmp_path / "net.pt")
    assert time.monotonic() - started < 60


def test_a_state_may_have_a_tensor_by_the_name_of_the_facts(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1), FACTS_KEY: torch.zeros(2)}, tmp_path / "net.pt")
    state, facts = read_weights(tmp_path / "net.pt")
    assert set(state) == {"a", FACTS_KEY}
    assert facts == {}


@pytest.mark.parametrize("facts", [{"std": [0, 1, 1]}, {"radius": "3"}, [], {"architecture": 5}], ids=str)
def test_a_command__exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], facts: object) -> None:
    _write(tmp_path / "net.safetensors", facts)
    with pytest.raises(SystemExit) as stopped:
        main(["convert", str(tmp_path / "net.safetensors"), str(tmp_path / "out.pt")])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out.pt").exists()
