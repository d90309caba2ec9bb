"""The real command, on every shipped configuration, with a tiny budget."""

import contextlib
import io
import json
import math
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from rnst.cli import stylize
from rnst.encoders.names import DEFAULT_ENCODER, counterpart_of
from rnst.image.color import fit_color_root
from rnst.image.files import read_image, write_image
from rnst.results import Result

_CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "stylize").rglob("*.yaml"))
_TINY = {
    "size": 32,
    "supersample": 1.0,
    "side": "long",
    "steps": 2,
    "scales": 1,
    "shifts": 2,
    "weights": "random",
    "precision": "fp32",
    "tracking": "off",
    "output": "new/out.png",
}
# Every option of --help but --config, with a value that is not its default.
_EVERY_OPTION = {
    "content": ["cat.png"],
    "style": ["waves.png", "cat.png"],
    "output": ["new/all.jpg"],
    "encoder": ["resnet18"],
    "weights": ["random"],
    "size": ["64"],
    "supersample": ["1.5"],
    "steps": ["2"],
    "scales": ["2"],
    "optimizer": ["adam"],
    "learning_rate": ["0.02"],
    "history": ["4"],
    "side": ["short"],
    "style_weights": ["1.0", "1.0"],
    "style_scale": ["0.75"],
    "style_mask": ["mask.png", "mask.png"],
    "content_mask": ["mask.png"],
    "colors": ["match"],
    "quality": ["80"],
    "resume": ["true"],
    "line_search": ["false"],
    "averaging": ["0.9"],
    "init": ["noise"],
    "parameters": ["pixels"],
    "fourier_decay": ["0.75"],
    "color_basis": ["decorrelated"],
    "shifts": ["3"],
    "shifts_per_step": ["2"],
    "transforms": ["robust"],
    "style_weight": ["7.0"],
    "content_weight": ["2.0"],
    "tv_weight": ["0.5"],
    "style_layers": ["stem", "layer1"],
    "content_layers": ["layer1"],
    "convention": ["nakano"],
    "style_loss": ["gram"],
    "style_layer_weights": ["0.5", "2.0"],
    "content_layer_weights": ["3.0"],
    "smoothing": ["softmax"],
    "pooling": ["l2"],
    "pool_kernel": ["even"],
    "strides": ["keep"],
    "stem": ["dense"],
    "margin": ["8"],
    "padding": ["all"],
    "relu": ["fake_last"],
    "normalization": ["imagenet"],
    "precision": ["fp32"],
    "save_every": ["4"],
    "scores": ["true"],
    "tile": ["64"],
    "memory": ["8gb"],
    "seed": ["5"],
    "depth": ["8"],
    "dpi": ["240.0"],
    "metadata": ["all"],
    "group": ["mine"],
    "tracking": ["off"],
    "tracking_folder": ["runs"],
}

_TESTED_ALONE = {
    "aspect",
    "compare",
    "grid",
    "devices",
    "flow",
    "key_frames",
    "lpips",
    "no_browser",
    "normalize_gradients",
    "print",
    "seamless",
    "sequence",
    "sequence_weight",
    "view",
    "view_port",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["stylize.py"])
    for name, size in (("cat", (30, 40)), ("waves", (44, 36))):
        write_image(torch.rand(1, 3, *size), tmp_path / f"{name}.png")
    write_image((torch.arange(40.0) > 19).float().expand(1, 3, 30, 40), tmp_path / "mask.png")


def _arguments(**options: object) -> list[str]:
    settings = {"content": "cat.png", "style": "waves.png", "encoder": "resnet18", **_TINY, **options}
    return [f"--{name}={value}" for name, value in settings.items()]


def test_configurations_are_there() -> None:
    assert _CONFIGS


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda path: path.stem)
def test_configuration(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stylize(["--config", str(path), *(f"--{name}={value}" for name, value in _TINY.items())])
    result = Result.read(Path("new/out.json"))
    for name, value in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        assert result.settings[name] == _TINY.get(name, value), name
    assert max(read_image(result.image).shape) == 32
    assert capsys.readouterr().out.startswith("new/out.png: 32 x ")


def test_every_option_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        stylize(["--help_all"])
    assert stopped.value.code == 0
    listed = set(re.findall(r"^ +(?:-\w, )?--([a-z_]+)", capsys.readouterr().out, re.MULTILINE))
    assert listed - {"help", "config", "print_config"} == _EVERY_OPTION.keys() | _TESTED_ALONE

    stylize([word for name, values in _EVERY_OPTION.items() for word in (f"--{name}", *values)])
    result = Result.read(Path("new/all.json"))
    for name, values in _EVERY_OPTION.items():
        stored = result.settings[name]
        assert [str(value).lower() for value in (stored if isinstance(stored, list) else [stored])] == values, name
    assert sorted(path.name for path in Path("new").iterdir()) == ["all.jpg", "all.json", "all_00004.png"]


@pytest.mark.parametrize(
    "options",
    [
        {"style_loss": "w2", "smoothing": "softmax", "pooling": "max", "pool_kernel": "even", "padding": "first"},
        {"convention": "gatys2015", "encoder": "vgg11", "pooling": "avg", "relu": "leaky", "normalize_gradients": True},
        {"convention": "neural-style", "encoder": "alexnet", "size": 64, "stem": "dense", "relu": "softplus"},
        {
            "convention": "gatys-torch",
            "encoder": "googlenet",
            "relu": "redirected",
            "style_layer_weights": [1, 0, 2, 3, 4],
        },
        {
            "style_loss": "w2",
            "encoder": "vit_b_32",
            "size": 64,
            "style_layers": ["block1", "block2"],
            "content_layers": ["block2"],
        },
        {"encoder": "timm/test_resnet", "relu": "fake_last", "stem": "dense"},
    ],
    ids=lambda options: options.get("encoder", "resnet18"),
)
def test_losses_and_changes_to_the_network(options: dict[str, Any]) -> None:
    if options.get("encoder", "").startswith("timm/"):
        pytest.importorskip("timm")
    lists = {name: json.dumps(value) for name, value in options.items() if isinstance(value, list)}
    stylize(_arguments(**{**options, **lists}))
    result = Result.read(Path("new/out.json"))
    assert {name: result.settings[name] for name in options} == options
    assert all(math.isfinite(value) for value in result.losses.values())
    assert result.losses["style"] > 0
    assert max(result.size) == options.get("size", 32)


@pytest.mark.parametrize("name", ["draft", "draft.yaml", str(_CONFIGS[0].parent / "draft.yaml")])
def test_presets_by_name_and_by_path(name: str) -> None:
    Path("draft.yaml").write_text((_CONFIGS[0].parent / "draft.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    stylize(["--config", name, *_arguments()])
    assert Result.read(Path("new/out.json")).settings["save_every"] == 0
    stylize([f"--config={name}", *_arguments(output="again.png")])


def test_options_outrank_the_configuration() -> None:
    settings = {**_TINY, "content": "cat.png", "style": "waves.png", "encoder": "resnet18", "seed": 3}
    Path("own.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    stylize(["--config", "own.yaml", "--seed", "4"])
    assert Result.read(Path("new/out.json")).settings["seed"] == 4


def test_printed_configuration_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    stylize([*_arguments(), "--print_config"])
    Path("own.yaml").write_text(capsys.readouterr().out, encoding="utf-8")
    stylize(["--config", "own.yaml"])
    assert Path("new/out.png").is_file()


def _settings(*arguments: str) -> dict[str, Any]:
    """Settings that a command line resolves to, as --print_config prints them."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        stylize([*arguments, "--print_config"])
    settings: dict[str, Any] = yaml.safe_load(stream.getvalue())
    return settings


def test_print_config__what_the_encoder_and_the_convention_decide() -> None:
    settings = _settings("--content=cat.png", "--style=waves.png")
    assert (settings["style_weight"], settings["style_loss"]) == (15.0, "w2")
    assert settings["style_layers"] == ["layer1", "layer2", "layer3"]


def test_pictures_without_names_of_options() -> None:
    named = _settings("--content", "cat.png", "--style", "waves.png", "cat.png")
    assert _settings("cat.png", "waves.png", "cat.png") == named
    assert _settings("cat.png", "--size", "64", "waves.png")["style"] == "waves.png"


@pytest.mark.parametrize("option", ["--content=cat.png", "--style=cat.png"])
def test_pictures_given_twice(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        stylize(["cat.png", "waves.png", option])
    assert stopped.value.code == 2
    assert f"and {option.partition('=')[0]} are both given" in capsys.readouterr().err


def test_spellings_of_options() -> None:
    plain = _settings("cat.png", "waves.png", "--style_weight", "3", "--resume=true", "--scores=false")
    assert _settings("cat.png", "waves.png", "--style-weight=3", "--resume", "--scores", "no") == plain
    assert plain["resume"] is True


@pytest.mark.parametrize("none", ["none", "None", "NONE", "null"])
def test_none__in_any_case_on_the_command_line_and_in_files(none: str) -> None:
    names = ("tile", "aspect", "weights", "style_loss", "style_layers", "memory")
    Path("own.yaml").write_text("".join(f"{name}: {none}\n" for name in names), encoding="utf-8")
    usual = _settings("cat.png", "waves.png")
    assert _settings("cat.png", "waves.png", *(word for name in names for word in (f"--{name}", none))) == usual
    if none != "NONE":
        assert _settings("cat.png", "waves.png", "--config", "own.yaml") == usual


def test_content_none_is_a_texture() -> None:
    assert _settings("--content", "none", "--style", "waves.png")["content"] == "none"


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "json"])
def test_config__a_picture_repeats_itself(ending: str) -> None:
    made = "png" if ending == "json" else ending
    stylize(_arguments(output=f"new/out.{made}", seed=3, style_layers="[layer1]"))
    settings = _settings("--config", f"new/out.{ending}")
    assert (settings["seed"], settings["style_layers"], settings["steps"]) == (3, ["layer1"], 2)
    assert settings["output"] == "outputs/{content}--{style}.png"


def test_config__a_picture_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        stylize(["--config", "cat.png"])
    assert "cannot read cat.png as settings" in capsys.readouterr().err


def test_output__named_by_the_pictures_and_never_in_the_place_of_other_settings() -> None:
    arguments = [argument for argument in _arguments() if not argument.startswith("--output")]
    for options in ([], ["--seed=1"], ["--seed=1"], ["--seed=2"]):
        stylize([*arguments, *options])
    seeds = {path.name: Result.read(path).settings["seed"] for path in sorted(Path("outputs").glob("*.json"))}
    assert seeds == {"cat--waves-2.json": 1, "cat--waves-3.json": 2, "cat--waves.json": 0}


def test_view__says_where(capsys: pytest.CaptureFixture[str]) -> None:
    stylize([*_arguments(), "--view"])
    assert re.search(r"^live view: http://127\.0\.0\.1:\d+/$", capsys.readouterr().err, re.MULTILINE)
    assert Path("new/out.png").is_file()


def test_compare__a_page_with_both(capsys: pytest.CaptureFixture[str]) -> None:
    stylize([*_arguments(encoder=DEFAULT_ENCODER, weights="null"), "--compare"])
    assert Result.read(Path("new/out.json")).encoder == DEFAULT_ENCODER
    counterpart = counterpart_of(DEFAULT_ENCODER)
    assert Result.read(Path(f"new/out_{counterpart}.json")).encoder == counterpart
    page = Path("new/out.html").read_text(encoding="utf-8")
    assert page.count('<script type="text/plain"') >= 2  # pictures inside, so the page can be moved alone
    assert "new/out.html: a slider" in capsys.readouterr().out


def test_compare__with_another_one() -> None:
    stylize([*_arguments(encoder="resnet18"), "--compare", "resnet50_standard"])
    assert Path("new/out_resnet50_standard.png").is_file()


@pytest.mark.parametrize("options", [["--encoder=resnet34", "--compare"], ["--compare", "resnet35"]], ids=str)
def test_compare__mistakes(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        stylize([*_arguments(), *options])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("new").exists()


def test_samples_by_name() -> None:
    stylize(_arguments(content="chelsea", style="flow"))
    result = Result.read(Path("new/out.json"))
    assert (result.content, result.styles) == ("chelsea", ("flow",))


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_output__formats(ending: str) -> None:
    stylize(_arguments(output=f"out.{ending}", style_layers="[layer1]", content_layers="[layer1]"))
    assert read_image(Path(f"out.{ending}")).shape == (1, 3, 24, 32)


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("--lpips=true", "--scores"),
        ("--tile=16", "--tile is 16, but must be 0, or at least 32 pixels"),
        ("--memory=much", "--memory is 'much', but must be a size as 8GB or 500MB"),
        ("--memory=1MB", "--memory is '1MB', but must be more than the "),
        ("--content=dog.png", "dog.png"),
        ("--style=new/dog.png", "new/dog.png"),
        ("--init=dog.png", "dog.png"),
        ("--content=text.jpg", "text.jpg"),
        ("--encoder=resnet17", "'resnet17'; did you mean "),
        ("--style_layers=[relu4_2]", "'relu4_2'; valid: stem, layer1"),
        ("--size=-5", "--size is -5, but must be a whole number, from 32 to 1,000,000"),
        ("--size=many", "--size is 'many', but must be a whole number, from 32 to 1,000,000"),
        ("--color_basis=empty", "pictures not found: empty"),
        ("--color_basis=rbg", "--color_basis is 'rbg', but must be rgb, decorrelated, a folder"),
        ("--averaging=1", "--averaging is 1, but must be a number, at least 0 and less than 1"),
        ("--optimizer=sgd", "--optimizer is 'sgd', but must be one of lbfgs, adam"),
        ("--stlye=waves.png", "unknown option --stlye; did you mean --style?"),
        ("stray.png", "stray.png"),
        ("--output=out.xyz", ".xyz"),
        ("--weights=nowhere.safetensors", "nowhere.safetensors"),
        ("--weights=text.jpg", "text.jpg"),
        ("--weights=wrong.safetensors", "wrong.safetensors"),
        ("--config=nowhere.yaml", "'nowhere.yaml'; valid: stylize/article_"),
        ("--config=draught", "'draught'; did you mean stylize/draft? valid: stylize/article_"),
        ("--convention=gatys", "convention"),
        ("--style_layer_weights=[1, x]", "--style_layer_weights is '[1, x]', but must be one or several of: a number"),
        ("--colors=fre", "--colors is 'fre', but must be one of free, luminance, match, histogram; did you mean free?"),
        ("--quality=101", "--quality is 101, but must be a whole number, from 1 to 100"),
        ("--style", "--style needs a value"),
        ("--style_layer_weights=[1, 2]", "--style_layer_weights is [1.0, 2.0], but must be"),
        ("--style_layers=[avgpool]", "layer 'avgpool' cannot be used"),
        ("--encoder=timm/no_such_net", "timm/no_such_net"),
        ("--config=wrong.yaml", "unknown option stlye in a configuration; did you mean style?"),
    ],
)
def test_mistake__one_line_and_status_2(mistake: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.jpg").write_text("this is a text")
    Path("wrong.safetensors").write_text("this is a text")
    Path("wrong.yaml").write_text("stlye: waves.png")
    Path("empty").mkdir()
    with pytest.raises(SystemExit) as stopped:
        stylize([*_arguments(), mistake])
    assert stopped.value.code == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.count("\n") == 1, written.err
    assert written.err.startswith("error: ")
    assert said in written.err
    assert not Path("new").exists()


def test_tiles__do_not_go_with_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        stylize([*_arguments(encoder="resnet18"), "--tile=32", "--normalize_gradients=true"])
    assert stopped.value.code == 2
    assert "--normalize_gradients is True, but must be false for a picture in tiles" in capsys.readouterr().err
    assert not Path("new").exists()


@pytest.mark.parametrize("option", ["--tile=32", "--devices=2"])
@pytest.mark.parametrize("encoder", ["convnext_tiny", "vit_b_16", "efficientnet_b0"])
def test_tiles__networks_that_look_at_the_whole_picture_are_refused(
    encoder: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        stylize([*_arguments(encoder=encoder, size=64), option])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: this network cannot be cut into tiles: ")
    assert said.endswith("--tile 0 --devices 1 computes the whole picture\n")
    assert said.count("\n") == 1
    assert not Path("new").exists()


@pytest.mark.slow
def test_devices__two_processes_share_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    stylize(_arguments(encoder="resnet18", devices=2, save_every=1))
    assert Result.read(Path("new/out.json")).settings["devices"] == 2
    written = ["out.json", "out.png", "out_00001.png", "out_00002.png"]
    assert sorted(path.name for path in Path("new").iterdir()) == written
    assert "GLOBAL_RANK" not in capsys.readouterr().err


@pytest.mark.slow
def test_torchrun__the_first_process_alone_writes_and_talks(capfd: pytest.CaptureFixture[str]) -> None:
    """Two processes that somebody else has started: pictures, records and lines are there once."""
    program = Path(__file__).parents[2] / "stylize.py"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={port}"]
    options = _arguments(encoder="resnet18", devices=2, save_every=1, tracking="auto")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline", "PYTHONPATH": str(program.parent)}
    command = ["timeout", "-s", "KILL", "580", sys.executable, *launcher, str(program), *options, "--view"]
    done = subprocess.run(command, check=False, env=environment)  # noqa: S603 - our own program
    said = capfd.readouterr()
    assert done.returncode == 0, said.err
    names = [path.name for path in Path("new").iterdir()]
    assert sorted(names) == ["out.json", "out.png", "out_00001.png", "out_00002.png", "wandb"]
    assert len(list(Path("new/wandb").glob("offline-run-*"))) == 1
    assert said.out.count("32 x 24 pixels") == 1
    assert said.err.count("live view:") == said.err.count("2 steps on") == 1


@pytest.mark.parametrize("aspect", [None, 0.5])
def test_texture__without_content_in_any_shape(aspect: float | None) -> None:
    shape = {} if aspect is None else {"aspect": aspect}
    stylize(_arguments(content="none", size=40, **shape))
    result = Result.read(Path("new/out.json"))
    assert (result.content, result.losses["content"]) == ("", 0.0)
    assert result.size == ((20, 40) if aspect else (33, 40)), "the aspect of the style where none is given"


def test_texture__of_the_shape_of_the_content() -> None:
    stylize(_arguments(content_weight=0))
    assert Result.read(Path("new/out.json")).size == (32, 24)


def _frames(count: int) -> None:
    Path("frames").mkdir()
    for number in range(count):
        write_image(torch.rand(1, 3, 30, 40), Path(f"frames/frame{number + 8}.png"))


def test_folder__one_picture_for_each_and_none_twice(capsys: pytest.CaptureFixture[str]) -> None:
    _frames(3)
    stylize(_arguments(content="frames", output="stylized.jpg"))
    pictures = [f"stylized/frame{number}.jpg" for number in (8, 9, 10)]
    written = capsys.readouterr()
    assert [line.split(":")[0] for line in written.out.splitlines()] == pictures
    assert sorted(path.name for path in Path("stylized").glob("*.jpg")) == sorted(Path(name).name for name in pictures)
    Path(pictures[1]).unlink()
    times = [Path(name).stat().st_mtime_ns for name in pictures[::2]]
    stylize(_arguments(content="frames", output="stylized.jpg"))
    assert "3 pictures, 2 of them finished already" in capsys.readouterr().err
    assert [Path(name).stat().st_mtime_ns for name in pictures[::2]] == times
    assert Path(pictures[1]).is_file()


def test_folder__records_and_tiles_are_no_reason_to_begin_again(capsys: pytest.CaptureFixture[str]) -> None:
    _frames(2)
    stylize(_arguments(content="frames", output="stylized.jpg"))
    for options in ({"resume": True}, {"quality": 50}, {"save_every": 7}, {"group": "mine"}, {"tile": 0}):
        stylize(_arguments(content="frames", output="stylized.jpg", **options))
        assert "2 pictures, 2 of them finished already" in capsys.readouterr().err
    write_image(torch.rand(1, 3, 30, 40), Path("frames/frame8.png"))
    stylize(_arguments(content="frames", output="stylized.jpg"))
    assert "2 pictures, 1 of them finished already" in capsys.readouterr().err


def test_folder__a_picture_that_fails_does_not_end_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    _frames(2)
    Path("frames/frame1.png").write_text("this is a text")
    with pytest.raises(SystemExit) as stopped:
        stylize(_arguments(content="frames", output="stylized"))
    assert stopped.value.code == 2
    assert "error: 1 picture failed, the first: cannot read frames/frame1.png" in capsys.readouterr().err
    assert sorted(path.name for path in Path("stylized").glob("*.png")) == ["frame8.png", "frame9.png"]


@pytest.mark.slow
def test_folder__several_devices_take_a_picture_each(capsys: pytest.CaptureFixture[str]) -> None:
    _frames(3)
    Path("frames/frame1.png").write_text("this is a text")
    with pytest.raises(SystemExit):
        stylize(_arguments(content="frames", output="stylized", devices=2))
    said = capsys.readouterr().err
    assert "failed: frame1.png: cannot read" in said
    assert "4 of 4: " in said
    Path("frames/frame1.png").unlink()
    results = [Result.read(Path(f"stylized/frame{number}.json")) for number in (8, 9, 10)]
    assert [result.settings["devices"] for result in results] == [1, 1, 1], "each was stylized whole"
    stylize(_arguments(content="frames", output="stylized"))
    assert "3 pictures, 3 of them finished already" in capsys.readouterr().err


@pytest.mark.parametrize("weight", [0.0, 5.0])
def test_sequence(weight: float) -> None:
    _frames(3)
    stylize(_arguments(content="frames", output="stylized", sequence=True, sequence_weight=weight, scales=2, size=48))
    results = [Result.read(Path(f"stylized/frame{number}.json")) for number in (8, 9, 10)]
    assert [("temporal" in result.losses) for result in results] == [False, weight > 0, weight > 0]
    assert [result.settings["scales"] for result in results] == [2, 1, 1], "later frames start from a stylized one"


@pytest.mark.parametrize("basis", ["frames", "waves.png"])
def test_color_basis__of_own_pictures_is_recorded(basis: str) -> None:
    _frames(2)
    stylize(_arguments(color_basis=basis))
    files = sorted(Path(basis).iterdir()) if Path(basis).is_dir() else [Path(basis)]
    expected = fit_color_root([read_image(path) for path in files])
    settings = Result.read(Path("new/out.json")).settings
    assert settings["color_basis"] == basis
    torch.testing.assert_close(torch.tensor(settings["color_matrix"]), expected)


def test_init__style_noise_has_the_colors_of_the_style() -> None:
    write_image(torch.rand(1, 3, 40, 40) * torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1), Path("tinted.png"))
    stylize(_arguments(style="tinted.png", init="style_noise", learning_rate=1e-9, optimizer="adam"))
    stylized, tinted = read_image(Path("new/out.png")), read_image(Path("tinted.png"))
    torch.testing.assert_close(stylized.mean((-2, -1)), tinted.mean((-2, -1)), rtol=0.0, atol=0.02)


# As many steps as pass the first new transform.
_TILED = pytest.param("lbfgs", 16, 64, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("optimizer", "steps", "tile"), [("lbfgs", 16, 0), _TILED, ("adam", 3, 0), ("adam", 3, 64)], ids=str
)
def test_transforms__robust(optimizer: str, steps: int, tile: int) -> None:
    results = []
    for output in ("one.png", "two.png"):
        options = {
            "transforms": "robust",
            "optimizer": optimizer,
            "tile": tile,
            "output": output,
            "size": tile or 32,
        }
        stylize(_arguments(**options, steps=steps, encoder="vgg11", style_layers="[relu1_1, relu2_1]", save_every=0))
        results.append(Result.read(Path(output).with_suffix(".json")))
    assert results[0].losses == results[1].losses, "seeded"
    assert math.isfinite(results[0].losses["total"])
