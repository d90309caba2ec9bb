"""Configurations, numbers and names as people mistype them; kinds B1, B2, B8, C2, C5, C8, p1, p2, p5, p6, pa."""

import math
import time
from pathlib import Path

import pytest
import torch
import yaml

from rnst.cli import stylize
from rnst.commands.parsing import find_config
from rnst.encoders.receptive_fields import Field
from rnst.encoders.weights.files import read_weights
from rnst.errors import InvalidValueError, MissingPathError, RnstError, UnknownNameError, UnreadableFileError
from rnst.files import existing_file
from rnst.losses.statistics import moments
from rnst.losses.wasserstein import FeaturesError, WassersteinLoss
from rnst.optimization.memory import NotEnoughMemoryError, check_image, plan
from rnst.stylization.output_names import named_by
from rnst.stylization.scales import plan_scales
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.plan import SweepSettings
from rnst.yaml_files import read_yaml

_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{','.join([f'*{chr(97 + level)}'] * 9)}]\n" for level in range(12)
)
_DICTIONARIES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} {{{','.join(f'k{key}: *{chr(97 + level)}' for key in range(9))}}}\n"
    for level in range(12)
)
_CONFIGURATIONS: dict[str, tuple[str | bytes, str]] = {
    "lists": (_BOMB, "unfold"),
    "dictionaries": (_DICTIONARIES, "unfold"),
    "nested": ("a: " + "[" * 900 + "]" * 900, "nested too deeply"),
    "in itself": ("style: &a [*a]\n", "nested too deeply"),
    "latin1": ("output: caf\xe9.png\n".encode("latin-1"), "UTF-8"),
    "utf16": ("size: 64\n".encode("utf-16"), "UTF-8"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "UTF-8"),
    "zero": (b"size: \0\n", "zero bytes"),
    "large": (b"# " + b"x" * (5 << 20), "more than 4 MB"),
    "empty": ("", "it is empty"),
    "comment": ("# nothing\n", "it is empty"),
    "list": ("- a\n", "must hold options"),
    "scalar": ("hello\n", "must hold options"),
    "no value": ("size:\n", "size has no value"),
    "twice": ("size: 64\nsize: 48\n", "gives size twice"),
    "tab": ("\tsize: 3\n", "cannot start any token"),
    "documents": ("a: 1\n---\nb: 2\n", "another document"),
    "program": ("a: !!python/object/apply:os.system ['touch executed']\n", "in line 1; nothing was run"),
    "digits": ("size: 1" + "0" * 5000 + "\n", "number of 5001 digits"),
}


@pytest.mark.parametrize("kind", _CONFIGURATIONS)
def test_b2_c2_pa__a_configuration_is_refused_at_once(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content, told = _CONFIGURATIONS[kind]
    path = tmp_path / "c.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    began = time.process_time()
    with pytest.raises(UnreadableFileError, match=told) as error:
        read_yaml(path)
    assert time.process_time() - began < 5
    assert "\n" not in str(error.value)
    assert not Path("executed").exists()


def test_c2__aliases_that_people_write_are_read(tmp_path: Path) -> None:
    text = "\ufeffa: &a {x: 1}\nb: {<<: *a, y: [*a, *a]}\nc: null\n"
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    assert read_yaml(tmp_path / "c.yaml") == yaml.safe_load(text)


@pytest.mark.parametrize("name", ["", ".", "https://example.com/c.yaml", "a\0b", "x" * 5000])
def test_p6__a_configuration_that_is_no_file_is_named(name: str) -> None:
    with pytest.raises((MissingPathError, UnknownNameError)):
        find_config(name)


_NUMBERS = (
    *("aspect", "learning_rate", "fourier_decay", "style_weight", "content_weight", "tv_weight", "sequence_weight"),
    *("style_scale", "supersample", "averaging"),
)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 1e308])
@pytest.mark.parametrize("name", _NUMBERS)
def test_b1__numbers_are_finite_and_do_not_overflow(name: str, value: float) -> None:
    with pytest.raises(InvalidValueError, match=name):
        StylizationSettings(**{name: value, "content": "none"})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_b1__numbers_in_lists_are_finite(value: float) -> None:
    for options in (
        {"style_weights": [value]},
        {"style_layers": ["layer1"], "style_layer_weights": [value]},
        {"content_layers": ["layer1"], "content_layer_weights": [value]},
    ):
        with pytest.raises(InvalidValueError):
            StylizationSettings(**options)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_b1__features_that_are_no_numbers_are_refused_before_they_are_decomposed(value: float) -> None:
    features = torch.rand(1, 4, 6, 6)
    loss = WassersteinLoss(features)
    assert torch.isfinite(loss.distance(moments(features)))
    features[0, 0, 0, 0] = value
    with pytest.raises(FeaturesError, match="its weights are damaged"):
        WassersteinLoss(features)
    assert not torch.isfinite(loss.distance(moments(features)))


@pytest.mark.parametrize("seed", [2**63, 2**64, 10**22, -1])
def test_c5__seeds_are_those_that_generators_take(seed: int) -> None:
    with pytest.raises(InvalidValueError, match="seed"):
        StylizationSettings(seed=seed)
    torch.manual_seed(StylizationSettings(seed=2**63 - 1).seed)


def test_c5__sizes_without_end_are_refused_at_once() -> None:
    began = time.process_time()
    for side in (1_000_000, 2_000_000_000):
        with pytest.raises(NotEnoughMemoryError):
            check_image((side, side), torch.device("cpu"))
    with pytest.raises(NotEnoughMemoryError):
        plan((64, 64), {"a": Field()}, 1e12, 1e9, history=2_000_000_000)
    assert len(plan_scales((64, 64), 512, 2_000_000_000, 1)) < 20
    assert time.process_time() - began < 5


_CONTRADICTIONS: list[dict[str, object]] = [
    {"style_layers": ["layer1"], "style_layer_weights": [0.0]},
    {"style_layers": ["layer1", "layer1"]},
    {"content_layers": ["layer2", "layer2"]},
    {"aspect": 2.0},
    {"sequence_weight": 5.0},
]


@pytest.mark.parametrize("options", _CONTRADICTIONS, ids=str)
def test_c8__contradictions_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError):
        StylizationSettings(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["{seed:04d}.png", "{seed!r}.png", "{seed.real}.png", "{seed[0]}.png"])
def test_c8__more_than_a_name_in_braces_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"as \{seed\}"):
        named_by(Path(name), {"seed": 3})


@pytest.mark.parametrize("name", ["content", "style", "encoder", "weights", "init", "color_basis", "output"])
def test_b8__an_empty_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match=name):
        StylizationSettings(**{name: ""})  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="style"):
        StylizationSettings(style=["flow", ""])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("https://example.com/a.jpg", "download the file first"),
        ("file:///a.jpg", "download the file first"),
        ("/dev/null", "device or a pipe"),
        (".", "It is a folder"),
        ("", "The name is empty"),
        ("nope.png", "ADVICE"),
        ("a\0b", r"a\\x00b"),
        ("x" * 5000, r"x\.\.\. *"),
    ],
)
def test_p6__what_is_no_file_is_named(name: str, told: str) -> None:
    with pytest.raises(MissingPathError, match=told) as error:
        existing_file(name, "picture", "ADVICE")
    assert len(str(error.value)) < 300


_NO_WEIGHTS = {
    "png": b"\x89PNG\r\n\x1a\n" + b"\0" * 99,
    "npy": b"\x93NUMPY\x01\0" + b"\0" * 99,
    "text": b"hello, this is no weight file at all",
    "page": b"<!DOCTYPE html><html>Sign in - Google Drive</html>",
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 102\n",
    "empty": b"",
    "pickle": b"\x80\x02" + b"e" * 99,
    "archive": b"PK\x03\x04" + b"\0" * 99,
}


@pytest.mark.parametrize("kind", _NO_WEIGHTS)
def test_p5__what_is_no_weight_file_is_named_in_our_words(tmp_path: Path, kind: str) -> None:
    (tmp_path / "w.pt").write_bytes(_NO_WEIGHTS[kind])
    with pytest.raises(UnreadableFileError) as error:
        read_weights(tmp_path / "w.pt")
    reason = str(error.value).partition(": ")[2]
    assert len(reason.split()) > 2
    assert not any(word in reason for word in ("opcode", "Stream", "weights_only", "Traceback"))


@pytest.mark.parametrize("words", [["--style_weight", "0,5"], ["--size", "1,5"], ["--style_weight", "ten"]])
def test_p1__a_number_that_is_none_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        stylize(words)
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"{words[0]} is '{words[1]}', but must be a" in told.replace(f"is {words[1]},", f"is '{words[1]}',")


def test_c6__a_sweep_has_so_many_workers() -> None:
    with pytest.raises(InvalidValueError, match="--workers is 2000000000, but must be from 1 to"):
        SweepSettings(["coffee"], ["flow"], ["vgg19"], workers=2_000_000_000)
    assert issubclass(InvalidValueError, RnstError)


@pytest.mark.parametrize("name", ["size", "content", "style", "output", "encoder", "steps", "colors", "resume"])
def test_b1__null_in_a_file_is_refused_where_it_means_nothing(name: str) -> None:
    with pytest.raises(InvalidValueError, match=f"--{name} is 'none', but must be given"):
        StylizationSettings(**{name: None})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1: 2\n", "1 is no name of an option"),
        ("size: !!python/object/apply:os.system ['true']\n", "in line 1; nothing was run"),
        ("size: 64\nsteps:\t3\n\tscales: 1\n", "it is no YAML in line"),
    ],
    ids=["number", "object", "tabulator"],
)
def test_p1__yaml_is_refused_in_our_words(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UnreadableFileError, match=said) as refused:
        read_yaml(tmp_path / "c.yaml")
    assert "unicode string" not in str(refused.value)


def test_b1__none_for_a_number_of_processes_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="--workers is 'none', but must be given"):
        SweepSettings(["coffee"], ["flow"], ["vgg19"], workers=None)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="--workers is 0, but must be from 1"):
        SweepSettings(["coffee"], ["flow"], ["vgg19"], workers=0)
