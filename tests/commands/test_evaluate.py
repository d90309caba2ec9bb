"""The real command on tiny networks and photos."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from rnst.attacks.attack import Model
from rnst.attacks.autoattack import AutoAttack
from rnst.attacks.pgd import PGD
from rnst.cli import main
from rnst.data.cifar10 import Cifar10Source
from rnst.data.evaluation_photos import EvaluationPhotos
from rnst.data.sources import FolderSource
from rnst.encoders.catalog import build_classifier
from rnst.encoders.classifier import load_classifier
from rnst.encoders.weights.files import read_weights, write_weights
from rnst.metrics.robustness import Evaluation
from rnst.studies.evaluation import measure as evaluation_program
from rnst.studies.evaluation.among import Among
from rnst.studies.evaluation.journal import Journal
from tests.offline_runs import read_run, run_folders

MakePhotos = Callable[..., Path]

_CLASSES = ("n01", "n02", "n03")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A network of three classes, untrained, as a file with facts."""
    network = build_classifier("shufflenet_v2_x0_5", 3).eval()
    path = tmp_path / "net.safetensors"
    facts = {"architecture": "shufflenet_v2_x0_5", "classes": list(_CLASSES), "image_size": 32}
    write_weights(path, network.state_dict(), {**facts, "norm": "l2", "radius": 0.5})
    return path


def _evaluate(network: Path | str, root: Path, *arguments: str, tracking: str = "off") -> None:
    fixed = ["--workers=0", "--accelerator=cpu", f"--tracking={tracking}", "--data", str(root)]
    main(["evaluate", str(network), *fixed, *arguments])


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *arguments])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1, message
    return message


def test_table_json_and_curve(weights: Path, make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_photos(_CLASSES, train=1, val=3)
    _evaluate(weights, root, "--radii", "0", "0.25", "1/2", "--steps", "1", "3", "--output", "figures")
    written = capsys.readouterr().out
    assert "PGD-1 " in written
    assert "PGD-3 " in written
    assert all(name in written for name in _CLASSES)
    evaluation = Evaluation.read(Path("figures/evaluation.json"))
    assert evaluation.photos_of_class == (3, 3, 3)
    assert evaluation.radii == (0.0, 0.25, 0.5)
    assert evaluation.attacks == ("PGD-1", "PGD-3")
    assert len(evaluation.measurements) == 5
    assert evaluation.settings["norm"] == "l2"
    assert evaluation.facts["architecture"] == "shufflenet_v2_x0_5"
    picture = np.asarray(Image.open("figures/evaluation.png").convert("RGB"))
    assert min(picture.shape[:2]) > 400
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20, "there is something on it"


def test_among_present__the_classes_without_photos_are_never_answered(weights: Path, make_photos: MakePhotos) -> None:
    """The same network on the same photos: only an answer of a class without photos can change, to the better."""
    root, arguments = make_photos(("n01", "n03"), train=0, val=6), ("--radii", "0", "--steps", "1")
    _evaluate(weights, root, *arguments, "--output", "all")
    _evaluate(weights, root, *arguments, "--output", "two", "--among", "present")
    every, two = (Evaluation.read(Path(folder) / "evaluation.json") for folder in ("all", "two"))
    assert (every.class_names, two.class_names) == (_CLASSES, ("n01", "n03"))
    assert two.photos_of_class == (6, 6)
    logits = Among(load_classifier(str(weights))[0], [0, 2])(torch.rand(4, 3, 32, 32))
    assert logits.shape == (4, 2)
    assert two.measurements[0].right >= every.measurements[0].right


def test_classes_of_one_side_only__are_reported(
    weights: Path, make_photos: MakePhotos, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_photos(("n01", "n03", "N02"), train=0, val=1)
    with caplog.at_level("WARNING", "rnst"):
        _evaluate(weights, root, "--radii", "0", "--steps", "1")
    assert "val has no photos of n02" in caplog.text
    assert "N02 of val is no class" in caplog.text


def test_among_present__one_class_is_no_decision(
    weights: Path, make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_photos(("n02",), train=0, val=1)
    message = _refused(capsys, str(weights), "--data", str(root), "--workers", "0", "--among", "present")
    assert "n02 alone" in message


def test_defaults__radii_and_size_of_the_training(weights: Path, make_photos: MakePhotos) -> None:
    _evaluate(weights, make_photos(_CLASSES, train=0, val=1), "--steps", "1")
    evaluation = Evaluation.read(Path("outputs/evaluation/net/evaluation.json"))
    assert evaluation.radii == (0.0, 0.25, 0.5, 1.0)
    assert evaluation.image_size == 32


@pytest.mark.parametrize(("facts", "crop"), [({}, "resized"), ({"crop": "whole"}, "whole")])
def test_photos_are_cropped_as_in_the_training(
    facts: dict[str, str], crop: str, weights: Path, make_photos: MakePhotos, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, before = read_weights(weights)
    write_weights(weights, state, {**before, **facts})
    seen, photos = [], EvaluationPhotos

    def noted(*values: object, **options: Any) -> object:
        seen.append(options["crop"])
        return photos(*values, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluation_program, "EvaluationPhotos", noted)
    _evaluate(weights, make_photos(_CLASSES), "--radii=0")
    assert seen == [crop]


def test_folders_with_the_names_of_cifar10__are_not_its_archive(make_photos: MakePhotos, tmp_path: Path) -> None:
    names = Cifar10Source(tmp_path).class_names
    facts = {"classes": list(names), "logits": len(names)}
    assert isinstance(evaluation_program.labeled_source(make_photos(names), "val", facts), FolderSource)
    assert isinstance(evaluation_program.labeled_source(tmp_path / "archive", "val", facts), Cifar10Source)


def test_labels_follow_the_weight_file_where_folders_are_missing(weights: Path, make_photos: MakePhotos) -> None:
    _evaluate(weights, make_photos(("n03",), val=2), "--radii", "0")
    assert Evaluation.read(Path("outputs/evaluation/net/evaluation.json")).photos_of_class == (0, 0, 2)


def test_a_network_of_imagenets_thousand_classes(make_photos: MakePhotos, tmp_path: Path) -> None:
    """Its file has no facts; photos are found by WordNet id."""
    torch.save(build_classifier("shufflenet_v2_x0_5", 1000).state_dict(), tmp_path / "net.pth")
    root = make_photos(("n01440764", "n03888257"), val=2)
    _evaluate("net.pth", root, "--architecture", "shufflenet_v2_x0_5", "--radii", "0", "--image_size", "32")
    counts = Evaluation.read(Path("outputs/evaluation/net/evaluation.json")).photos_of_class
    assert len(counts) == 1000
    assert (counts[0], counts[701], sum(counts)) == (2, 2, 4)


def test_linf_and_seed(weights: Path, make_photos: MakePhotos) -> None:
    root, found = make_photos(_CLASSES, val=4), []
    for name, seed in (("a", 1), ("b", 1)):
        options = ("--norm=linf", "--radii", "4/255", "--steps", "2", f"--seed={seed}", f"--output={name}")
        _evaluate(weights, root, *options)
        found.append(Evaluation.read(Path(name) / "evaluation.json"))
    assert found[0].radii == (0.0, 4 / 255), "clean is always there"
    assert found[0].measurements == found[1].measurements


def test_autoattack(weights: Path, make_photos: MakePhotos, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyautoattack", reason="the extra autoattack is not installed")
    network = build_classifier("shufflenet_v2_x0_5", 4)
    classes = [*_CLASSES, "n04"]
    facts = {"architecture": "shufflenet_v2_x0_5", "classes": classes, "image_size": 32}
    write_weights(weights, network.state_dict(), facts)
    # The whole of it takes minutes: the same attacks with fewer steps.
    monkeypatch.setattr(evaluation_program, "AutoAttack", lambda ball, seed: AutoAttack(ball, seed, steps=2, queries=3))
    _evaluate(weights, make_photos(classes, val=1), "--autoattack", "--radii", "0.1", "--steps", "1")
    evaluation = Evaluation.read(Path("outputs/evaluation/net/evaluation.json"))
    assert evaluation.attacks == ("PGD-1", "AutoAttack")
    curves = {attack: evaluation.curve(attack)[1] for attack in evaluation.attacks}
    assert curves["AutoAttack"][1] <= curves["AutoAttack"][0] == curves["PGD-1"][0]


def test_tracked_run(weights: Path, make_photos: MakePhotos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    options = ("--radii", "0", "0.5", "--steps", "1", "--output=figures")
    _evaluate(weights, make_photos(_CLASSES, val=1), *options, tracking="auto")
    (folder,) = run_folders(Path("figures"))
    run = read_run(folder)
    evaluation = Evaluation.read(Path("figures/evaluation.json"))
    assert (run.job_type, run.group) == ("evaluate", "net")
    assert run.column("radius") == [0.0, 0.5]
    assert run.column("accuracy/PGD-1") == pytest.approx(evaluation.curve("PGD-1")[1])
    assert "accuracy against radius" in run.history[-1]


def test_missing_extra(weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyautoattack", None)
    assert "uv run --extra autoattack" in _refused(capsys, str(weights), "--data=nowhere", "--autoattack")


def test_mistakes_are_one_line(weights: Path, make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    root, name = str(make_photos(_CLASSES)), str(weights)
    assert "nowhere" in _refused(capsys, name, "--data=nowhere")
    assert "resnet17" in _refused(capsys, "resnet17", "--data", root)
    assert "--radii" in _refused(capsys, name, "--data", root, "--radii", "-1")
    assert "4/255" in _refused(capsys, name, "--data", root, "--radii", "4/0")
    assert "--steps" in _refused(capsys, name, "--data", root, "--steps", "0")
    assert "--batch_size" in _refused(capsys, name, "--data", root, "--batch_size=0")
    assert not Path("outputs").exists()


def test_stopped__the_same_command_goes_on(
    weights: Path, make_photos: MakePhotos, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    attacked = list[int]()
    attack = PGD.__call__

    def stopped_at_the_third(self: PGD, model: Model, images: Tensor, labels: Tensor) -> Tensor:
        attacked.append(len(images))
        if len(attacked) == 3:
            raise KeyboardInterrupt
        return attack(self, model, images, labels)

    monkeypatch.setattr(PGD, "__call__", stopped_at_the_third)
    state = build_classifier("shufflenet_v2_x0_5", 2).state_dict()
    state["fc.bias"][0] = 1000.0  # every answer is the first class
    write_weights(weights, state, {"architecture": "shufflenet_v2_x0_5", "classes": ["n01", "n02"], "image_size": 32})
    command = (weights, make_photos(("n01",), val=6), "--batch_size=2", "--radii", "0.5", "--steps", "1")
    with pytest.raises(SystemExit) as stopped:
        _evaluate(*command)
    assert stopped.value.code == 130
    assert "stopped after 4 of 6 photos; the same command goes on from there" in capsys.readouterr().err
    _evaluate(*command)
    assert len(attacked) == 4
    (folder,) = Path("outputs/evaluation").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["evaluation.json", "evaluation.png"]
    went_on = Evaluation.read(folder / "evaluation.json")
    _evaluate(*command)
    assert len(attacked) == 7
    assert Evaluation.read(folder / "evaluation.json").measurements == went_on.measurements


def test_stopped__answers_of_other_photos_are_not_taken(
    weights: Path, make_photos: MakePhotos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer is the first class, so that the answers alone do not tell the photos apart."""
    attacked, attack = list[int](), PGD.__call__

    def noted(self: PGD, model: Model, images: Tensor, labels: Tensor) -> Tensor:
        attacked.append(len(images))
        return attack(self, model, images, labels)

    monkeypatch.setattr(PGD, "__call__", noted)
    monkeypatch.setattr(Journal, "remove", lambda _: None)
    state = build_classifier("shufflenet_v2_x0_5", 2).state_dict()
    state["fc.bias"][0] = 1000.0
    write_weights(weights, state, {"architecture": "shufflenet_v2_x0_5", "classes": ["n01", "n02"], "image_size": 32})
    root = make_photos(("n01",), val=6)
    command = (weights, root, "--batch_size=2", "--radii", "0.5", "--steps", "1")
    _evaluate(*command)
    _evaluate(*command)
    assert len(attacked) == 3, "all three batches were known"
    sorted((root / "val" / "n01").iterdir())[0].unlink()
    _evaluate(*command)
    assert len(attacked) == 6, "each batch has other photos"


def test_damaged_photos__are_left_out_and_listed(
    weights: Path, make_photos: MakePhotos, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    root = make_photos(_CLASSES, val=2)
    damaged = sorted((root / "val" / "n02").iterdir())
    for photo in damaged:
        photo.write_bytes(b"no photo")
    with caplog.at_level("WARNING", "rnst"):
        _evaluate(weights, root, "--radii", "0.5", "--steps", "1", "--batch_size=2")
    assert f"skipped 2 val photos that cannot be read: {damaged[0]}, {damaged[1]}" in caplog.text
    assert Evaluation.read(Path("outputs/evaluation/net/evaluation.json")).photos_of_class == (2, 0, 2)
    fixed = ("--data", str(root), "--radii", "0", "--workers", "0", "--tracking=off")
    message = _refused(capsys, str(weights), *fixed, "--skip_broken=1")
    assert str(damaged[1]) in message
    assert "; 1 skipped before, as skip_broken allows" in message


def test_hidden_folders__are_no_classes(weights: Path, make_photos: MakePhotos) -> None:
    state, facts = read_weights(weights)
    write_weights(weights, state, {name: fact for name, fact in facts.items() if name != "classes"})
    root = make_photos(_CLASSES, val=1)
    (root / "val" / ".thumbs").mkdir()
    _evaluate(weights, root, "--radii", "0")
    assert Evaluation.read(Path("outputs/evaluation/net/evaluation.json")).photos_of_class == (1, 1, 1)


def test_more_devices_than_photos(weights: Path, make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_photos(_CLASSES, val=1)
    message = _refused(capsys, str(weights), "--data", str(root), "--devices=4", "--accelerator=cpu", "--workers=0")
    assert "--devices is 4, but must be at most the number of photos, 3" in message


def test_autoattack_in_float16__is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "bf16-mixed or 32-true" in _refused(capsys, "--data=nowhere", "--autoattack", "--precision=16-mixed")
