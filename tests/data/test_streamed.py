"""Trainings on packed photos, from a folder and from a bucket; sets that somebody made to harm."""

import json
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.data.datamodules import PhotoFolders
from rnst.data.packed import Contents, numbers_and_labels
from rnst.data.packing import pack
from rnst.data.photos import Preprocessing, list_photos
from rnst.data.restricted_imagenet import RESTRICTED_IMAGENET
from rnst.data.streamed import StreamedSource
from rnst.errors import MissingPathError, RnstError, UnreadableFileError

pytest.importorskip("litdata", reason="litdata is not installed; it is the extra streaming")

MakePhotos = Callable[..., Path]
_WHOLE = Preprocessing(None, lambda photo: photo)


def _batches(root: str | Path, source: Any, classes: Any = "folders", workers: int = 0) -> list[tuple[Any, Any]]:
    torch.manual_seed(5)
    data = PhotoFolders(root, source=source, classes=classes, image_size=24, batch_size=4, workers=workers)
    data.prepare_data()
    loaders = (data.train_dataloader(), data.val_dataloader())
    return [(images, labels) for loader in loaders for images, labels in loader]


def _same(ours: list[tuple[Any, Any]], theirs: list[tuple[Any, Any]]) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in pairs)


@pytest.fixture
def packed(make_photos: MakePhotos, tmp_path: Path) -> Path:
    pack(make_photos(), tmp_path / "packed")
    return tmp_path / "packed"


@pytest.mark.parametrize("workers", [0, 2])
def test_batches__are_bit_for_bit_those_of_the_folder(packed: Path, tmp_path: Path, workers: int) -> None:
    wanted = _batches(tmp_path / "photos", "folders")
    assert _same(_batches(packed, "streamed", workers=workers), wanted)


def test_groups__are_found_by_wordnet_id(make_photos: MakePhotos, tmp_path: Path) -> None:
    insect, dog = RESTRICTED_IMAGENET["insect"][2], RESTRICTED_IMAGENET["dog"][5]
    root = make_photos((insect, "n00000000", dog), side=24)
    pack(root, tmp_path / "packed")
    source = StreamedSource(str(tmp_path / "packed"), RESTRICTED_IMAGENET)
    assert source.class_names == tuple(RESTRICTED_IMAGENET)
    assert source.open("train", _WHOLE).labels == [0] * 4 + [8] * 4
    wanted = _batches(root, "folders", "restricted_imagenet")
    assert _same(_batches(tmp_path / "packed", "streamed", "restricted_imagenet"), wanted)


def test_order_of_groups__is_that_of_the_files(make_photos: MakePhotos) -> None:
    root = make_photos(("a", "b", "c"))
    groups = {"last": ("c", "a"), "none": ("x",), "middle": ("b",)}
    listed = list_photos(root / "train", groups)
    by_folder = sorted(path for path, _ in listed)
    numbers, labels = numbers_and_labels((("a", 4), ("b", 4), ("c", 4)), groups)
    assert [(by_folder[number], label) for number, label in zip(numbers, labels, strict=True)] == listed


def test_missing__one_line_says_what(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match=r"nowhere.photos\.json.*rnst pack"):
        StreamedSource(str(tmp_path / "nowhere")).prepare()
    with pytest.raises(MissingPathError, match="photos of these classes"):
        StreamedSource(str(packed), RESTRICTED_IMAGENET).open("train", _WHOLE)
    pack(tmp_path / "photos", tmp_path / "half", ["val"])
    with pytest.raises(MissingPathError, match=r"train photos not found.*This set has val"):
        StreamedSource(str(tmp_path / "half")).prepare()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 2, "splits": {}}', '{"format": 1, "splits": {"val": [["a", true]]}}']
)
def test_damaged_contents__one_line(text: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"cannot read here as a packed data set"):
        Contents.from_json(text, "here")


class _Payload:
    """Unpickled, it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


def _plant(packed: Path, tmp_path: Path) -> Path:
    """Replace the photos of train by what runs code where it is unpickled."""
    from litdata.streaming.writer import BinaryWriter

    mark = tmp_path / "it_ran"
    pickle.loads(pickle.dumps(_Payload(mark)))  # noqa: S301 - the plant must be alive
    mark.unlink()
    for path in (packed / "train").iterdir():
        path.unlink()
    writer = BinaryWriter(str(packed / "train"), chunk_bytes=1 << 20)
    for number in range(12):
        writer.add_item(number, (_Payload(mark), 0))
    writer.done()
    writer.merge()
    return mark


def test_planted_pickle__is_refused_and_does_not_run(packed: Path, tmp_path: Path) -> None:
    mark = _plant(packed, tmp_path)
    with pytest.raises(
        UnreadableFileError, match=r"its data_format is \['pickle', 'int'\], but only.*runs no code"
    ) as told:
        StreamedSource(str(packed)).open("train", _WHOLE)
    assert "\n" not in str(told.value)
    assert not mark.exists()


def test_pickle_planted_behind_the_check__does_not_run_either(packed: Path, tmp_path: Path) -> None:
    photos = StreamedSource(str(packed)).open("train", _WHOLE)
    mark = _plant(packed, tmp_path)
    with pytest.raises(RnstError, match="more than bytes and numbers"):
        photos.decode(0)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda index: index["config"].update(format="mds"), "its format is 'mds'"),
        (lambda index: index["config"].update(compression="zstd"), "its compression is 'zstd'"),
        (lambda index: index["chunks"][0].update(filename="../../evil.bin"), "files outside"),
        (lambda index: index["chunks"][0].update(chunk_size=3), r"it has 3 photos, photos\.json has 12"),
        (lambda index: index.pop("config"), "incomplete"),
    ],
)
def test_other_index__is_refused(packed: Path, change: Callable[[dict[str, Any]], object], told: str) -> None:
    file = packed / "train" / "index.json"
    index = json.loads(file.read_text())
    change(index)
    file.write_text(json.dumps(index))
    with pytest.raises(UnreadableFileError, match=told):
        StreamedSource(str(packed)).open("train", _WHOLE)


def test_chunks_of_another_set__are_noticed(packed: Path) -> None:
    photos = StreamedSource(str(packed)).open("train", _WHOLE)
    contents = json.loads((packed / "photos.json").read_text())
    contents["splits"]["train"] = [["n01", 2], ["n02", 2], ["n03", 8]]
    (packed / "photos.json").write_text(json.dumps(contents))
    shifted = StreamedSource(str(packed)).open("train", _WHOLE)
    assert photos.decode(2).shape[0] == 3
    with pytest.raises(UnreadableFileError, match=r"photo 2 \(n02\).*not of the same set"):
        shifted.decode(2)


def test_damaged_chunk__names_the_photo(packed: Path) -> None:
    (chunk,) = (packed / "val").glob("*.bin")
    chunk.write_bytes(chunk.read_bytes()[:-40])
    with pytest.raises(UnreadableFileError, match=r"photo 5 \(n03\) of .*val"):
        StreamedSource(str(packed)).open("val", _WHOLE).decode(5)


def test_reading__asks_nobody_in_the_network(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert StreamedSource(str(packed)).open("val", _WHOLE).decode(0).shape[0] == 3


@pytest.fixture
def bucket(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """Address of the packed set in a bucket of a server of ours that answers as S3 does, and what it was asked for."""
    pytest.importorskip("boto3", reason="boto3 is not installed; litdata brings it along")
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            file = packed / self.path.split("?")[0].removeprefix("/photos/set/")
            asked.append(file.name)
            if not file.is_file():
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = file.read_bytes()
            if wanted := self.headers.get("Range"):
                first, last = map(int, wanted.removeprefix("bytes=").split("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
                content = content[first : last + 1]
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            if with_body:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(tmp_path / "home"),
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    yield "s3://photos/set", asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_bucket__gives_the_batches_of_the_folder(bucket: tuple[str, list[str]], tmp_path: Path, workers: int) -> None:
    address, asked = bucket
    assert _same(_batches(address, "streamed", workers=workers), _batches(tmp_path / "photos", "folders"))
    assert "photos.json" in asked
    assert not list((tmp_path / "home").rglob("*.bin"))  # what the docs say: nothing but indices is kept


def test_bucket_without_the_set__one_line(bucket: tuple[str, list[str]]) -> None:
    with pytest.raises(MissingPathError, match=r"s3://photos/set/no/photos\.json") as told:
        StreamedSource(f"{bucket[0]}/no").prepare()
    assert "\n" not in str(told.value)
