"""The real command on tiny networks; the figures of the bundled pair are in the slow tier."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from rnst.cli import main
from rnst.data.class_names import class_names
from rnst.encoders.catalog import build_classifier, build_headless
from rnst.encoders.layers import resolve_layers, tap_layers
from rnst.encoders.names import find_network
from rnst.encoders.weights.files import write_weights
from rnst.image.files import write_image
from rnst.losses.activation_text import parse_activation
from tests.offline_runs import read_run, run_folders

_CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "experiments").glob("visualize*.yaml"))
_CLASSES = ["n01440764", "golf ball", "n03028079"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def networks(tmp_path: Path) -> list[str]:
    """Two untrained networks of three classes."""
    for seed, name in enumerate(("first", "second")):
        torch.manual_seed(seed)
        network = build_classifier("shufflenet_v2_x0_5", 3).eval()
        facts = {"architecture": "shufflenet_v2_x0_5", "classes": _CLASSES}
        write_weights(tmp_path / f"{name}.safetensors", network.state_dict(), facts)
    return ["first.safetensors", "second.safetensors"]


def _visualize(networks: list[str], *arguments: str, tracking: str = "off") -> dict[str, Any]:
    fixed = ["--size=32", "--steps=2", "--accelerator=cpu", f"--tracking={tracking}", "--output=seen"]
    main(["visualize", "--networks", *networks, *fixed, *arguments])
    found: dict[str, Any] = json.loads(Path("seen/visualization.json").read_text())
    return found


def test_sheet_figures_pictures_and_run(networks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    priors = ["none", "colors+transforms"]
    found = _visualize(
        networks,
        "--priors",
        *priors,
        "--pictures=2",
        "--redirect=1",
        "--photos",
        "coffee",
        "--batch=4",
        tracking="auto",
    )
    assert [(row["network"], row["priors"]) for row in found["rows"]] == [(n, p) for n in networks for p in priors]
    for row in found["rows"]:
        assert row["objectives"] == ["tench", "golf ball", "church"], "all classes, as people call them"
        assert len(row["high_frequency_fractions"]) == 6
        assert next(iter(row["recognized"])) == row["network"]
        assert set(row["recognized"]) == set(networks)
    assert set(found["gradients"]) == set(networks)
    assert len(found["weights_sha256"][networks[0]]) == 64
    assert len(list(Path("seen/pictures").rglob("*.png"))) == 2 * 2 * 6
    sheet = np.asarray(Image.open("seen/sheet.png").convert("RGB"))
    assert sheet.shape[0] > sheet.shape[1], "four rows, three columns"
    printed = capsys.readouterr().out
    assert "first" in printed
    assert "sheet.png" in printed
    (folder,) = run_folders(Path("seen"))
    run = read_run(folder)
    assert run.job_type == "visualize"
    share = found["rows"][0]["high_frequency_fraction"]
    assert run.column("first/none/high_frequency_fraction") == pytest.approx([share])
    assert "sheet" in run.history[-1]


@pytest.mark.parametrize("optimizer", ["pgd", "adam"])
def test_pictures_excite_more_than_the_noise_they_began_as_and_seeds_repeat(
    networks: list[str], optimizer: str
) -> None:
    arguments = [f"--optimizer={optimizer}", "--objectives", "stage2:3", "0.5*class:tench + stage3:1@", "dream:stage2"]
    first = _visualize(networks[:1], *arguments, "--steps=1", "--step_size=1e-6", "--photos", "coffee")["rows"]
    last = _visualize(networks[:1], *arguments, "--steps=6", "--priors", "none", "all", "--photos", "coffee")["rows"]
    again = _visualize(networks[:1], *arguments, "--steps=6", "--priors", "none", "all", "--photos", "coffee")["rows"]
    assert last == again
    assert all(after > before for before, after in zip(first[0]["reached"], last[0]["reached"], strict=True))
    assert last[0]["recognized"] == {}, "no column asks for a class alone"
    cost = sum(last[0]["reached"]) / sum(last[1]["reached"])
    assert last[1]["prior_cost"] == pytest.approx(cost)
    assert last[0]["prior_cost"] is None


def test_inversion_comes_closer_and_interpolation_meets_its_ends(networks: list[str]) -> None:
    photos = ["coffee", "chelsea"]
    for layer in ("representation", "stage2"):
        arguments = ["--invert", *photos, "--priors=none", f"--layer={layer}"]
        (start,) = _visualize(networks[:1], *arguments, "--steps=1", "--step_size=1e-6")["rows"]
        (end,) = _visualize(networks[:1], *arguments, "--steps=6")["rows"]
        assert end["objectives"] == photos
        assert all(after > before for after, before in zip(end["reached"], start["reached"], strict=True))
        assert end["similarity"] is not None
    still = ["--start=chelsea", "--step_size=1e-6"]
    (row,) = _visualize(networks[:1], "--interpolate", *photos, "--stages=3", "--priors=none", *still)["rows"]
    assert row["objectives"] == ["0", "0.5", "1"]
    assert row["reached"][2] == pytest.approx(0.0, abs=1e-4), "it began with the second photo"
    assert row["reached"][0] < row["reached"][1] < 0.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--objectives", "layer9:1"], "layer9"),
        (["--objectives", "stage2:999"], "below 48"),
        (["--objectives", "class:cat"], "no class 'cat'"),
        (["--objectives", "stage2:"], "cannot read the objective"),
        (["--priors", "foriuer"], "fourier, colors, transforms"),
        (["--interpolate", "coffee"], "two photos"),
        (["--invert", "nowhere.png"], "nowhere.png"),
        (["--invert", "coffee", "--objectives", "class:1"], "without --objectives"),
        (["--steps=0"], "from 1 to 1,000,000,000"),
        (["--networks", "first.safetensors", "first.safetensors"], "each once"),
        (["--networks", "first.safetensors", "other/first.safetensors"], "different names"),
        (["--priors", "none", "none"], "each once"),
        (["--priors", "[]"], "one or more"),
        (["--objectives_of", '{"frist.safetensors": ["stage2:0"]}'], "did you mean first.safetensors?"),
    ],
)
def test_refused(networks: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        _visualize(networks, *arguments)
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert said in message
    assert message.count("\n") == 1, message
    assert not Path("seen").exists()


def test_configurations_were_found() -> None:
    assert len(_CONFIGS) == 5


@pytest.mark.parametrize("config", _CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_configuration(config: Path, networks: list[str]) -> None:
    text = config.read_text(encoding="utf-8")
    assert f"rnst visualize --config {config.stem}" in text
    arguments = ["--config", config.stem, "--stages=2", "--photos=coffee", "--pictures=1"]
    settings = yaml.safe_load(text)
    if "objectives_of" in settings:  # layers of networks that would have to be downloaded
        own = {name: ["stage2:0", "stage3:1"] for name in networks}
        arguments.append(f"--objectives_of={json.dumps(own)}")
        assert set(settings["objectives_of"]) == set(settings["networks"])
    if "objectives" in settings:
        assert all(parse_activation(named, class_names(None, 1000)) for named in settings["objectives"])
        arguments += ["--objectives", "class:0", "class:1"]
    main(
        ["visualize", *arguments, "--networks", *networks, "--size=32", "--steps=1", "--tracking=off", "--output=seen"]
    )
    assert Path("seen/sheet.png").is_file()


def test_layers_of_the_article_exist() -> None:
    named = yaml.safe_load(next(path for path in _CONFIGS if "article" in path.stem).read_text())["objectives_of"]
    for name, texts in named.items():
        bare = build_headless(find_network(name).architecture)
        layers = list({layer for text in texts for layer in parse_activation(text).layers})
        assert tap_layers(bare, resolve_layers(bare, layers))[0]


def test_a_photo_to_begin_with_from_a_file(networks: list[str]) -> None:
    write_image(torch.rand(1, 3, 40, 50), Path("own.png"))
    found = _visualize(networks[:1], "--start=own.png", "--priors=none", "--radius=0.1", "--photos=own.png")
    pictures = sorted(Path("seen/pictures/first--none").glob("*.png"))
    assert len(pictures) == len(found["rows"][0]["objectives"])
    one, other = (np.asarray(Image.open(path)).astype(float) / 255 for path in pictures[:2])
    assert np.linalg.norm(one - other) < 0.2 + 32 * 3**0.5 / 255, "both lie in the ball around the photo"


@pytest.mark.slow
def test_bundled_pair__without_priors_the_ordinary_network_makes_grain_that_others_do_not_read() -> None:
    """The reference's acceptance: at 64 px, twenty pictures of the logits of all ten classes, from noise."""
    pair = ["--networks", "resnet50_robust", "resnet50_standard"]
    options = ["--size=64", "--steps=14", "--step_size=1.5", "--pictures=2", "--priors=none", "--tracking=off"]
    main(["visualize", *pair, *options])
    robust, ordinary = json.loads(Path("outputs/visualize/visualization.json").read_text())["rows"]
    assert len(robust["high_frequency_fractions"]) == 20
    assert ordinary["high_frequency_fraction"] >= 1.5 * robust["high_frequency_fraction"]
    by_others = [row["recognized"][other["network"]] for row, other in ((robust, ordinary), (ordinary, robust))]
    assert by_others[0] >= 0.5
    assert by_others[1] <= by_others[0] - 0.2
