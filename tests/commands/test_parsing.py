from pathlib import Path

import pytest

from rnst.cli import main
from rnst.commands.parsing import HELP_WIDTH, find_config, help_lines, purposes, shipped_configs
from rnst.errors import UnknownNameError

_ROOT = Path(__file__).parents[2]
_STUDIES = ("artifacts", "corruption", "layers", "transferability", "visualize")


@pytest.mark.parametrize("study", _STUDIES)
def test_a_study__has_its_own_configurations_alone(study: str) -> None:
    others = [name for name in _STUDIES if name != study]
    assert find_config(study, f"experiments/{study}").stem == study
    for other in others:
        with pytest.raises(UnknownNameError, match=f"experiments/{study}"):
            find_config(other, f"experiments/{study}")
    assert not any(f"/{other}" in "".join(purposes(f"experiments/{study}")) for other in others)


def test_listed__every_configuration_by_one_whole_sentence() -> None:
    found = purposes("")
    assert list(found) == [name for name, _ in shipped_configs()]
    for name, sentence in found.items():
        assert sentence.endswith("."), name
        assert ". " not in sentence, name
    lines = help_lines(found).splitlines()
    assert max(map(len, lines)) <= HELP_WIDTH
    assert " ".join(" ".join(lines).split()) == " ".join(f"{name} {text}" for name, text in found.items())


@pytest.mark.parametrize("command", ["sweep", "artifacts"])
def test_a_finished_picture__is_no_configuration_of_a_sweep(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes((_ROOT / "docs" / "pictures" / "layers.png").read_bytes())
    with pytest.raises(SystemExit) as stopped:
        main([command, "--config", str(tmp_path / "a.png"), "--print_config"])
    assert stopped.value.code == 2
    assert "only stylize.py takes a picture" in capsys.readouterr().err
