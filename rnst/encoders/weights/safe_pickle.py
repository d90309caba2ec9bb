"""Unpickling that runs nothing: tensors become records, a few harmless names do nothing, all others are refused.

Weight files of the years before torch 2 hold more than tensors: functions that dill wrote, optimizers, numpy scalars.
`torch.load(weights_only=True)` refuses them, and the ordinary unpickler runs any code in them. Here a name in the
file never leads to an object of that name. Not even a tensor is made, so that nothing can be done to one.

torch 2.15 accepts inert stand-ins for names (`torch.serialization.safe_globals`), but its unpickler still fails on:

- functions with a closure that dill >= 0.3.5 wrote, as MadryLab's schedules are (opcode POP), and tuples in themselves;
- a whole network beside the weights in a file of the time before torch 1.6 (a persistent id that is no storage);
- dictionaries with a default and queues, as a stand-in for them can be no dict and no list (SETITEMS, APPENDS);
- numbers of more than 255 bytes (LONG4), and pickles of protocol 3 to 5.

Nor does `get_unsafe_globals_in_checkpoint` read files of the time before torch 1.6. Each case is in the test
`test_what_torch_cannot_read_even_with_stand_ins`; when torch reads them all, this file and `containers` may go.
"""

import io
import pickle
import pickletools
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING  # names of Python 2, which files of protocol 2 use
from collections import OrderedDict
from typing import IO, Any, NamedTuple

import torch

_LONGEST_PICKLE = 1 << 26  # bytes; that of a ResNet-50 with its optimizer has 60 thousand
_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class RefusedError(pickle.UnpicklingError):
    """A pickle that is no weight file, for a reason in our own words."""


class Storage(NamedTuple):
    """Where the numbers of a tensor lie: `elements` numbers of a type, under a key of the container."""

    dtype: torch.dtype
    key: str
    elements: int


class StoredTensor(NamedTuple):
    """A tensor that has not been read yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class _Absorbing(type):
    """Makes of a class something that may be called and filled like an object, and stays what it is."""

    def __call__(cls, *_arguments: object, **_options: object) -> Any:
        return cls

    def __setitem__(cls, key: object, value: object) -> None:
        pass


class Inert(metaclass=_Absorbing):
    """Stand-in for every harmless stranger: calling it, building it and filling it does nothing and gives itself."""

    def __new__(cls, *_arguments: object, **_options: object) -> Any:
        """Give the class itself."""
        return cls

    @classmethod
    def __setstate__(cls, state: object) -> None:
        pass

    @classmethod
    def append(cls, value: object) -> None:
        """Take nothing."""

    @classmethod
    def extend(cls, values: object) -> None:
        """Take nothing."""

    @classmethod
    def add(cls, value: object) -> None:
        """Take nothing."""


# Where the names lie that attacks are made of, and those of them that weight files do hold. From there nothing else
# is accepted, though nothing would come of it: such a file is an attack. Names of other packages (of dill, optimizers'
# hyperparameters, of whoever trained the weights) are inert.
_GUARDED_PACKAGES = {*sys.stdlib_module_names, "numpy", "torch", "torchvision"}
_INERT_PACKAGES = ("__main__", "torch.nn", "torch.optim", "torchvision.models")
_INERT_NAMES = {
    "_codecs": "encode",
    "argparse": "Namespace",
    "builtins": "bool bytearray bytes complex dict float frozenset int list max min object range set slice str tuple "
    "setattr __main__",  # dill's, for closures and the globals of a script
    "collections": "Counter defaultdict deque",
    "copyreg": "_reconstructor",
    "datetime": "date datetime timedelta",
    "functools": "partial",
    "numpy": "dtype ndarray",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy.core.multiarray": "_reconstruct scalar",
    "pathlib": "Path PosixPath PurePath PurePosixPath WindowsPath",
    "torch": "bfloat16 bool device dtype float16 float32 float64 int32 int64 strided uint8",
    "types": "SimpleNamespace",
}


class Unpickler(pickle.Unpickler):
    """Gives dictionaries, lists, numbers, texts and `StoredTensor`s; everything else is `Inert` or refused.

    Args:
        data: the pickle.
        storages: filled with the storages that the pickle refers to, by key.
    """

    def __init__(self, data: bytes, storages: dict[str, Storage]) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name of the file.

        Raises:
            pickle.UnpicklingError: for a name that no weight file needs.
        """
        module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        if module in {"torch", "torch.cuda"} and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) in _REAL:
            return _REAL[module, name]
        if name == "__dict__" or name in _INERT_NAMES.get(module, "").split():  # dill: the module of a function
            return Inert
        if any(f"{module}.".startswith(f"{package}.") for package in _INERT_PACKAGES):
            return Inert
        if module.partition(".")[0] not in _GUARDED_PACKAGES:
            return Inert
        raise RefusedError(f"it asks for {module}.{name}, which no weight file needs; nothing was run")

    def persistent_load(self, reference: object) -> Any:
        """The record of a storage."""
        match reference:
            case ("storage", torch.dtype() as dtype, str() as key, str(), int() as elements, *rest):
                if rest not in ([], [None]):
                    raise RefusedError("it shares storages in the way of torch 0.3, which is not supported")
                return self._storages.setdefault(key, Storage(dtype, key, elements))
            case ("module", *_):
                return Inert
        raise RefusedError("it refers to something that is no storage")


def load(file: IO[bytes], storages: dict[str, Storage] | None = None) -> Any:
    """Read one pickle from the current position of the file, and leave the position behind it.

    Args:
        file: that can seek.
        storages: filled with the storages that the pickle refers to, by key.

    Raises:
        pickle.UnpicklingError: it asks for something that no weight file needs, or is longer than any could be.
        Exception: whatever Python stumbles over in a damaged one.
    """
    start = file.tell()
    for operation, argument, _ in pickletools.genops(file):
        size = file.tell() - start
        if size > _LONGEST_PICKLE:
            raise RefusedError("its pickle is longer than that of any network")
        # Python makes room for as many remembered objects as the highest index, used or not.
        if operation.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > size:
            raise RefusedError("its pickle remembers more than it holds")
    end = file.tell()
    file.seek(start)
    return Unpickler(file.read(end - start), {} if storages is None else storages).load()


def _rebuild(storage: object, offset: object, shape: object, stride: object, *_: object) -> StoredTensor:
    """`torch._utils._rebuild_tensor_v2`, and the older one without a version."""
    match storage, offset, shape, stride:
        case Storage(), int(), tuple(), tuple():
            sizes = (offset, *shape, *stride)
            if len(shape) == len(stride) and all(isinstance(size, int) and size >= 0 for size in sizes):
                return StoredTensor(storage, offset, shape, stride)
    raise RefusedError("one of its tensors is not sound")


def _parameter(data: object, *_: object) -> object:
    """`torch._utils._rebuild_parameter`."""
    return data


def _subclass(function: object, _kind: object, arguments: object, *_: object) -> object:
    """`torch._tensor._rebuild_from_type_v2`: a tensor with attributes, which are dropped."""
    if function in (_rebuild, _parameter) and isinstance(arguments, tuple):
        return _rebuild(*arguments) if function is _rebuild else arguments[0]
    return Inert


def _attribute(_holder: object, name: object, *_default: object) -> Any:
    """`getattr`, which dill needs for its function that fills the cells of a closure, and nobody else for anything."""
    if name != "_setattr":
        raise RefusedError("it asks for builtins.getattr, which no weight file needs; nothing was run")
    return Inert


_REAL = {
    ("builtins", "getattr"): _attribute,
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): tuple,
    ("torch._tensor", "_rebuild_from_type_v2"): _subclass,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_tensor"): _rebuild,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
}
