"""Records that somebody else wrote, or that a disk damaged; kinds B3, CA, CB, CC, CD, p9."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from pytorch_lightning.plugins.io import TorchCheckpointIO
from safetensors import safe_open
from safetensors.torch import save_file

from rnst.cli import main
from rnst.errors import MissingPathError, UnreadableFileError
from rnst.reporting.gallery.page import read_results, write_gallery
from rnst.results import Result
from rnst.stylization.state import State
from rnst.stylization.state_check import StateError, check_place
from rnst.training.curves import learning_curves
from rnst.training.run_lock import RunInUseError, lock_run
from rnst.training.run_state import newest_checkpoint, refuse_other_settings

_RECORD: dict[str, Any] = {
    "image": "a.png", "content": "photo", "styles": ["painting"], "encoder": "vgg19", "settings": {"size": 64},
    "seconds": 1.5, "peak_memory_bytes": 1000, "losses": {"total": 1.0}, "scores": {"style_distance": 0.5},
    "weights_sha256": "", "sources_sha256": {}, "size": [64, 48], "finished": True,
}  # fmt: skip
_ODD_VALUES = [
    None,
    True,
    7,
    -1,
    1e400,
    math.nan,
    "",
    "x",
    "a\0b",
    [],
    [1, 2],
    [None],
    {},
    {"a": [1]},
    "../../etc/passwd",
]


def _folder(tmp_path: Path, text: str | bytes) -> Path:
    for name in ("a", "b"):
        Image.new("RGB", (64, 48)).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.json").write_text(json.dumps({**_RECORD, "image": f"{name}.png"}))
    (tmp_path / "a.json").write_bytes(text.encode() if isinstance(text, str) else text)
    return tmp_path


@pytest.mark.parametrize("name", _RECORD)
def test_b3__a_page_is_written_whatever_records_hold(tmp_path: Path, name: str) -> None:
    reported = list[str]()
    _folder(tmp_path, json.dumps(_RECORD))
    for number, value in enumerate(_ODD_VALUES):
        Image.new("RGB", (64, 48)).save(tmp_path / f"odd{number}.png")
        (tmp_path / f"odd{number}.json").write_text(json.dumps({**_RECORD, name: value}))
    results = read_results(tmp_path, reported.append)
    write_gallery(results, tmp_path / "page.html")
    assert {tmp_path / "a.png", tmp_path / "b.png"} <= {result.image for result in results}
    assert reported
    assert all("odd" in line and "delete it" in line and name in line for line in reported)


@pytest.mark.parametrize("name", ["losses", "scores"])
def test_b3__null_is_a_number_that_is_absent(tmp_path: Path, name: str) -> None:
    _folder(tmp_path, json.dumps({**_RECORD, name: {"total": None, "ssim": 0.5}}))
    assert getattr(Result.read(tmp_path / "a.json"), name) == {"ssim": 0.5}


_BROKEN: dict[str, str | bytes] = {
    "truncated": '{"image": "a.p',
    "empty": "",
    "list": "[1, 2]",
    "deep": "[" * 100_000,
    "latin1": '{"image": "caf\xe9"}'.encode("latin-1"),
    "old": json.dumps({"image": "a.png", "content": "photo", "styles": ["painting"]}),
    "number": "1" * 5000,
}


@pytest.mark.parametrize("kind", _BROKEN)
def test_p9__a_broken_record_is_named_and_left_out(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["gallery", str(_folder(tmp_path, _BROKEN[kind])), "--output", str(tmp_path / "page.html")])
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert "a.json" in told.err
    assert "delete it" in told.err
    assert "positional argument" not in told.err
    assert "1 picture;" in told.out


def test_p9__a_folder_with_broken_records_alone_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "")
    (folder / "b.json").unlink()
    with pytest.raises(MissingPathError):
        read_results(folder, print)


_TREE: dict[str, Any] = {
    "scale": 0,
    "step": 3,
    "content": {"best": {"image": torch.rand(1, 3, 4, 4)}, "parameters": [torch.rand(3, 4)]},
    "first_losses": {"style": 1.0},
    "seconds": 2.0,
}


@pytest.mark.parametrize("name", ["scale", "step", "content", "first_losses", "seconds"])
@pytest.mark.parametrize("value", [None, "x", -1, math.nan, math.inf, [1], {"a": "b"}, True], ids=repr)
def test_cb__a_state_with_an_odd_value_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    State(settings={}, **{**_TREE, name: value}).write(tmp_path / "a.safetensors")
    with pytest.raises(UnreadableFileError, match="delete it, or start without --resume"):
        State.read(tmp_path / "a.safetensors")


def test_cb__an_altered_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    State(settings={"seed": 1}, **_TREE).write(path)
    assert State.read(path).step == _TREE["step"]
    with safe_open(path, "pt") as file:
        metadata, tensors = dict(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    altered = [
        (tensors, {**metadata, "rnst": metadata["rnst"].replace('["step", 3]', '["step", 4]')}),
        ({name: tensor[..., :2].contiguous() for name, tensor in tensors.items()}, metadata),
        ({name: tensor * torch.nan for name, tensor in tensors.items()}, metadata),
        (tensors, {"rnst": "[" * 50_000}),
        (tensors, {}),
    ]
    for changed, described in altered:
        save_file(changed, path, metadata=described)
        with pytest.raises(UnreadableFileError, match=r"a\.safetensors as the state of a stopped picture"):
            State.read(path)


def test_cb__a_scale_or_step_that_a_run_has_not_is_refused() -> None:
    check_place(1, 40, [40, 40])
    for scale, step in ((2, 0), (9, 3), (0, 41)):
        with pytest.raises(StateError, match="start without --resume"):
            check_place(scale, step, [40, 40])


class _Shell:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path("executed"),)  # type: ignore[return-value]


_CHECKPOINT = {"state_dict": {}, "optimizer_states": [], "lr_schedulers": [], "loops": {}, "epoch": 1, "global_step": 9}


@pytest.mark.parametrize(
    "content",
    [_Shell(), {"a": 1}, [1], {**_CHECKPOINT, "loops": "x"}, {**_CHECKPOINT, "epoch": "x"}],
    ids=["a program", "another dictionary", "a list", "loops of text", "an epoch of text"],
)
def test_ca__a_foreign_checkpoint_is_skipped(tmp_path: Path, content: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    good, reported = tmp_path / "checkpoints" / "a.ckpt", list[str]()
    TorchCheckpointIO().save_checkpoint(_CHECKPOINT, good)
    torch.save(content, tmp_path / "checkpoints" / "b.ckpt")
    assert newest_checkpoint(tmp_path, reported.append) == good
    assert "b.ckpt is no checkpoint of a training" in reported[0]
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("text", [b"{", b"- a\n", b"", b"\xff\xfe\0", b"a: &a [*a]\n"])
def test_ca__a_damaged_configuration_of_a_run_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "config.yaml").write_bytes(text)
    with pytest.raises(UnreadableFileError, match=r"config\.yaml"):
        refuse_other_settings(tmp_path, {"seed": 1})


_TABLES = {
    "binary": b"\xff\xfe\0",
    "no step": b"a,b\n1,2\n",
    "text": b"step,epoch,val/accuracy_clean\nx,y,z\n",
    "nan": b"step,epoch,val/accuracy_clean\n1,0,nan\n",
    "infinite": b"step,epoch,val/accuracy_clean\n1,0,1e400\n",
    "huge": b"step,epoch,val/accuracy_clean\n1," + b"9" * 30 + b",0.5\n",
    "long": b"step,epoch,val/accuracy_clean\n1,0," + b"9" * 200_000 + b"\n",
    "short": b"step,epoch,val/accuracy_clean\n1\n",
}


@pytest.mark.parametrize("kind", _TABLES)
def test_cc__a_foreign_table_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / "metrics" / "version_0").mkdir(parents=True)
    (tmp_path / "metrics" / "version_x").mkdir()
    for folder in ("version_0", "version_x"):
        (tmp_path / "metrics" / folder / "metrics.csv").write_bytes(_TABLES[kind])
    with pytest.raises(UnreadableFileError, match=r"version_0/metrics\.csv"):
        learning_curves(tmp_path)


@pytest.mark.parametrize("output", ["c", "c.html", "c.xyz", "."])
def test_cc__a_curve_needs_an_ending_that_is_drawn(
    tmp_path: Path, output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metrics" / "version_0").mkdir(parents=True)
    (tmp_path / "metrics" / "version_0" / "metrics.csv").write_text("step,epoch,val/accuracy_clean\n1,0,0.5\n")
    with pytest.raises(SystemExit) as left:
        main(["curve", ".", "--output", output])
    assert left.value.code == 2
    assert "ends in one of .png" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["metrics"]


def test_cd__two_trainings_never_share_a_run_folder(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "net"
    lock_run(folder)
    lock_run(folder)  # the same process may train again
    program = "import sys, pathlib; from rnst.machine import hold; print(hold(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", program, str(folder.with_name(".net.lock"))]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout == "False\n"  # noqa: S603 - ours


def test_cd__a_folder_in_use_is_refused(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from rnst.machine import hold\n"
        "print(hold(pathlib.Path(sys.argv[1])), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / ".net.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:  # noqa: S603 - ours
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with pytest.raises(RunInUseError, match="another training is running"):
            lock_run(tmp_path / "net")
        other.kill()
    lock_run(tmp_path / "net")  # the lock ends with its process, however that ends
