"""Files that do something when they are read carelessly: each gadget makes the file `mark`."""

import builtins
import functools
import importlib
import os
import pickle
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

Call = tuple[Callable[..., Any], tuple[Any, ...]]


class Gadget:
    """Pickled, it asks its reader to call something."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def __reduce__(self) -> Call:
        return self._call


def _system(mark: Path) -> Call:
    return os.system, (f"touch '{mark}'",)


def _via_a_second_file(mark: Path) -> Call:
    bomb = mark.with_name("second.pt")
    torch.save(Gadget(_system(mark)), bomb)
    return functools.partial(torch.load, weights_only=False), (str(bomb),)  # noqa: TID251 - an attack


def _via_a_script(mark: Path) -> Call:
    script = mark.with_name("script.py")
    script.write_text(f"open({str(mark)!r}, 'w').close()")
    return runpy.run_path, (str(script),)


GADGETS: dict[str, Callable[[Path], Call]] = {
    "os.system": _system,
    "builtins.eval": lambda mark: (builtins.eval, (f"open({str(mark)!r}, 'w').close()",)),
    "builtins.exec": lambda mark: (builtins.exec, (f"open({str(mark)!r}, 'w').close()",)),
    "subprocess.check_call": lambda mark: (subprocess.check_call, (["touch", str(mark)],)),
    "pickle.loads": lambda mark: (pickle.loads, (pickle.dumps(Gadget(_system(mark))),)),
    "torch.load": _via_a_second_file,
    "runpy.run_path": _via_a_script,
    "Path.touch": lambda mark: (functools.partial(Path.touch, mark), ()),
    "importlib": lambda mark: (importlib.import_module("os").mkdir, (str(mark),)),
}
