"""Pages that are made from the code hold what the code has."""

from argparse import SUPPRESS

import pytest

from rnst.cli import COMMANDS
from rnst.commands.parsing import shipped_configs
from rnst.encoders.published import PUBLISHED
from rnst.metrics.score_table import SCORE_TABLE
from tools.reference_pages import command_page, generated, parser_of


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "train"])
def test_a_command_page_has_every_option(command: str) -> None:
    parser, page = parser_of(command), command_page(command)
    assert parser is not None
    shown = [action for action in parser._actions if action.help != SUPPRESS]
    for action in shown:
        name = action.option_strings[0] if action.option_strings else str(action.metavar)
        assert f"`{name.removeprefix('-h')}" in page or "`--help" in page
        assert page.count("\n:   ") == len(shown)


def test_every_configuration_has_its_command() -> None:
    page = generated()["reference/configurations.md"]
    names = [name for name, _ in shipped_configs()]
    assert [name for name in names if f"### {name}\n" not in page] == []
    assert page.count("```text") >= len(names)


def test_networks_and_scores() -> None:
    pages = generated()
    assert all(f"`{name}`" in pages["reference/published-networks.md"] for name in PUBLISHED)
    assert all(f"`{name}`" in pages["reference/scores.md"] for name in SCORE_TABLE)
