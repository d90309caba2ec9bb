from dataclasses import replace
from pathlib import Path

import pytest

from rnst.app.options import further_options
from rnst.app.request import OF_THE_PAGE, OfThePageError, Request, larger, larger_options
from rnst.commands.stylize_options import GROUPS, options_in
from rnst.errors import RnstError
from rnst.stylization.settings import StylizationSettings


def _settings(words: list[str]) -> StylizationSettings:
    return StylizationSettings(**options_in(words))


def test_what_is_chosen__becomes_settings() -> None:
    request = Request(
        photo="chelsea",
        paintings=("flow", "coffee"),
        shares=(1.0, 0.5),
        masks=(Path("a.png"), Path("b.png")),
        strength=-1.0,
        stroke=1.5,
        detail=1.5,
        size=640,
        options={"colors": "luminance", "seed": "", "style_layers": "layer1 layer2"},
        words="--seed 3 --steps 7",
    )
    settings = _settings(request.full())
    assert (settings.content, settings.styles) == ("chelsea", ("flow", "coffee"))
    assert (settings.style_weights, settings.content_mask) == (None, ["a.png", "b.png"])
    assert _settings(replace(request, masks=()).full()).style_weights == [1.0, 0.5]
    assert (settings.style_weight, settings.style_scale) == (7.5, 1.5)
    assert (settings.supersample, settings.size) == (1.5, 640)
    assert (settings.colors, settings.seed, settings.steps) == ("luminance", 3, 7)
    assert settings.style_layers == ["layer1", "layer2"]


def test_what_is_not_changed__stays_the_default() -> None:
    assert _settings(Request("coffee", ("flow",), (1.0,)).full()) == StylizationSettings(style=["flow"])


def test_strength__doubles_the_usual_weight_of_the_chosen_convention() -> None:
    chosen = Request("coffee", ("flow",), strength=1.0, options={"convention": "neural-style"})
    assert _settings(chosen.full()).style_weight == 200.0
    assert (
        _settings(Request("coffee", ("flow",), strength=1.0, words="--convention=gatys2015").full()).style_weight == 2e3
    )


def test_a_draft__is_the_preset_and_never_larger_than_the_picture() -> None:
    draft = _settings(Request("coffee", ("flow",), size=4096, words="--seed 5").draft())
    preset = _settings(["--config", "draft"])
    assert draft == preset.replaced(style=["flow"], seed=5)
    assert _settings(Request("coffee", ("flow",), size=96).draft()).size == 96


def test_from_a_picture() -> None:
    assert _settings(Request("coffee", ("flow",)).from_picture(Path("o/a.png"))).init == "o/a.png"


@pytest.mark.parametrize(
    "words",
    [
        *("--output x.png", "-h", "--help", "--help-all", "--config a.yaml", "--view", "--resume=true"),
        *("--print-config", "--outp=x.png", "--outp x.png", "--res true", "--conf draft", "--hel"),
    ],
)
def test_options_of_the_page__are_refused(words: str) -> None:
    with pytest.raises(OfThePageError, match=words.partition("=")[0].partition(" ")[0]):
        Request("coffee", ("flow",), words=words).full()


@pytest.mark.parametrize("words", ["--print A4", "--seed 3", "--style_weight -1"])
def test_options_of_the_picture__are_not(words: str) -> None:
    assert Request("coffee", ("flow",), words=words).full()[-2:] == words.split()


@pytest.mark.parametrize("words", ["--grid style_weight=1,3", "--view", "--no-browser", "--compare"])
def test_options_that_make_no_single_picture__are_refused(words: str) -> None:
    with pytest.raises(OfThePageError):
        Request("coffee", ("flow",), words=words).full()


@pytest.mark.parametrize("words", ["--seed 'open", "--seeed 3", "--seed many", "lost words"])
def test_other_mistakes__are_those_of_the_command(words: str) -> None:
    with pytest.raises(RnstError):
        _settings(Request("coffee", ("flow",), words=words).full())


def test_larger__goes_on_from_the_picture_with_its_look() -> None:
    draft = {"content": "coffee", "style": "flow", "seed": 4, "size": 256, "steps": 25, "shifts": 2, "supersample": 1}
    options = larger_options(draft, Path("d.png"), 512, 1.5)
    settings = StylizationSettings(**options)
    assert (settings.init, settings.size, settings.supersample, settings.seed) == ("d.png", 512, 1.5, 4)
    assert settings.steps < StylizationSettings.steps
    assert settings.shifts == StylizationSettings.shifts


@pytest.mark.parametrize(("size", "chosen", "wanted"), [(256, 512, 512), (512, 512, 1024), (512, 64, 1024)])
def test_larger_is_larger(size: int, chosen: int, wanted: int) -> None:
    assert larger(size, chosen) == wanted


def test_further_options__come_from_the_settings_and_their_defaults_change_nothing() -> None:
    left_out = ("content", "style", "output")
    groups = further_options(StylizationSettings, GROUPS, left_out)
    options = [option for group in groups.values() for option in group]
    names = {name for group in GROUPS.values() for name in group} - set(left_out)
    assert {option.name for option in options} == names
    assert all(option.description for option in options)
    given = {option.name: option.default for option in options if option.default and option.name not in OF_THE_PAGE}
    words = Request("coffee", ("flow",), options=given).further()
    assert _settings([*words, "--style", "flow"]) == StylizationSettings(style=["flow"])
    (colors,) = (option for option in options if option.name == "colors")
    assert (colors.choices, colors.default) == (("free", "luminance", "match", "histogram"), "free")
