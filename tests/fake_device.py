"""A device that is not there: its tensors compute on the CPU, and mixing them with tensors of the CPU is an error.

What a CUDA device refuses is refused here: operations on tensors of two devices, `.numpy()`, generators of the CPU.
What it allows is allowed: scalars of the CPU, and copies between devices. `FakeDevice.synchronizations` counts what
would make the host wait for a GPU.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from pytorch_lightning.accelerators import AcceleratorRegistry
from pytorch_lightning.accelerators.cpu import CPUAccelerator
from pytorch_lightning.strategies import SingleDeviceStrategy
from pytorch_lightning.trainer.connectors.accelerator_connector import _AcceleratorConnector
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

from rnst import machine

NAME = "fake"

_aten: Any = torch.ops.aten
_COPY_TO = _aten._to_copy.default
_SYNCHRONIZING = {
    *(_aten._local_scalar_dense.default, _aten.equal.default),
    *(_aten.is_nonzero.default, _aten.nonzero.default, _aten.masked_select.default),
}
# What is registered ends with these objects.
_no_autocast, _factories = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
_BETWEEN_DEVICES = {_COPY_TO, _aten.copy_.default}


class MixedDevicesError(RuntimeError):
    """One operation got tensors, or a generator, of the CPU and of the fake device."""


class DeviceTensor(Tensor):
    """A tensor on the fake device; `held` is the tensor of the CPU that computes for it."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "DeviceTensor":
        """A tensor of the shape, strides and type of `held`."""
        options = {"strides": held.stride(), "storage_offset": held.storage_offset(), "dtype": held.dtype}
        make: Any = Tensor._make_wrapper_subclass  # type: ignore[attr-defined]
        wrapped: DeviceTensor = make(cls, held.shape, **options, layout=held.layout, device=device())
        wrapped.held = held
        return wrapped

    def __repr__(self) -> str:  # type: ignore[override]
        """Shape and type alone."""
        return f"DeviceTensor({tuple(self.shape)}, {self.dtype})"

    def untyped_storage(self) -> torch.UntypedStorage:
        """The storage, which is that of the CPU."""
        return self.held.untyped_storage()

    def tolist(self) -> Any:
        """Numbers, after one copy to the CPU."""
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """Refuse, as CUDA tensors do."""
        raise TypeError(f"can't convert {self.device} device type tensor to numpy, force={force}")

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Compute on the CPU."""
        return _computed(func, args, dict(kwargs or {}))


class FakeDevice(TorchDispatchMode):
    """While it is entered, tensors can be made on the fake device.

    Attributes:
        computed: operations on its tensors so far.
        synchronizations: of those, the ones that would wait for a GPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.computed = self.synchronizations = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Compute on the CPU what belongs to the fake device."""
        ours = any(isinstance(value, DeviceTensor) for value in tree_flatten((args, kwargs))[0])
        copied = func is _COPY_TO and ours and _is_cpu((kwargs or {}).get("device"))
        self.computed += ours
        self.synchronizations += copied or (ours and func in _SYNCHRONIZING)
        return _computed(func, args, dict(kwargs or {}))


def device() -> torch.device:
    """The fake device."""
    return torch.device(NAME, 0)


@contextlib.contextmanager
def available() -> Iterator[FakeDevice]:
    """Inside the block, the fake device is the one that every command chooses by itself.

    Skips the test where torch cannot register a device from Python, or has a CUDA device.
    """
    _register()
    with pytest.MonkeyPatch.context() as patch, FakeDevice() as fake:
        patch.setattr(machine, "device", lambda kind="auto": torch.device("cpu") if kind == "cpu" else device())
        patch.setattr(_AcceleratorConnector, "_choose_auto_accelerator", staticmethod(lambda: NAME))
        patch.setattr(_AcceleratorConnector, "_choose_strategy", _choose_strategy)
        # `torch.tensor(..., device=...)` makes a tensor of the CPU and copies it, as for torch's own FakeTensorMode.
        lifted = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)  # noqa: FBT003 - the function knows no keyword
        try:
            yield fake
        finally:
            torch._C._set_only_lift_cpu_tensors(lifted)


_lightnings_choice = _AcceleratorConnector._choose_strategy


def _choose_strategy(connector: Any) -> Any:
    """Lightning knows no single device but its own ones."""
    one = connector._accelerator_flag == NAME
    return SingleDeviceStrategy(device()) if one else _lightnings_choice(connector)


class _Backend:
    """What torch asks of a kind of device."""

    is_initialized = is_available = staticmethod(lambda: True)
    current_device = staticmethod(lambda: 0)
    device_count = staticmethod(lambda: 1)
    _is_in_bad_fork = staticmethod(lambda: False)
    manual_seed_all = staticmethod(lambda _seed: None)
    get_amp_supported_dtype = staticmethod(lambda: [torch.bfloat16])


class _Accelerator(CPUAccelerator):
    """What Lightning asks of it."""

    def setup_device(self, device: torch.device) -> None:  # noqa: ARG002 - nothing to set up
        return

    @staticmethod
    def get_parallel_devices(devices: int | str) -> list[torch.device]:
        return [device()] * int(devices)


def _register() -> None:
    setup = getattr(backend_registration, "_setup_privateuseone_for_python_backend", None)
    if setup is None or torch.cuda.is_available():
        pytest.skip("this torch registers no device from Python, or there is a real one: pytest -m gpu")
    if not hasattr(torch, NAME):
        setup(NAME, backend_module=_Backend())
        _no_autocast.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
        for name in ("empty.memory_format", "empty_strided"):  # called from within torch, where no mode is entered
            _factories.impl(name, partial(_made, getattr(_aten, name.partition(".")[0])), "PrivateUse1")
        AcceleratorRegistry.register(NAME, _Accelerator, "a device that is not there")


def _made(make: Any, *args: Any, **kwargs: Any) -> Tensor:
    """A new tensor on the fake device."""
    return DeviceTensor(make(*args, **{**kwargs, "device": "cpu", "pin_memory": None}))


def _computed(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    values, _ = tree_flatten((args, kwargs))
    tensors = [value for value in values if isinstance(value, Tensor)]
    ours = [tensor for tensor in tensors if isinstance(tensor, DeviceTensor)]
    target = kwargs.get("device")
    to_us = target is not None and torch.device(target).type == NAME
    if not ours and not to_us:
        return func(*args, **kwargs)
    _check(func, tensors, values)
    if to_us:
        kwargs["device"] = torch.device("cpu")
    kwargs.pop("pin_memory", None)
    found = func(*_held(args), **_held(kwargs))
    if func is _aten.copy_.default and not isinstance(args[0], DeviceTensor):
        return args[0]
    if _is_cpu(target):  # memory is not shared between devices
        return found.clone() if any(found is tensor.held for tensor in ours) else found
    return _wrapped(found, ours)


def _check(func: Any, tensors: Sequence[Tensor], values: Sequence[Any]) -> None:
    """Refuse what a CUDA device refuses."""
    foreign = [tensor for tensor in tensors if not isinstance(tensor, DeviceTensor) and tensor.device.type == "cpu"]
    mixed = len(foreign) < len(tensors) and any(tensor.dim() for tensor in foreign)
    if mixed and func not in _BETWEEN_DEVICES:
        raise MixedDevicesError(f"{func} got tensors of the CPU and of the fake device")
    if any(isinstance(value, torch.Generator) for value in values):
        raise MixedDevicesError(f"{func} got a generator of the CPU for the fake device")


def _is_cpu(target: Any) -> bool:
    return target is not None and torch.device(target).type == "cpu"


def _held(values: Any) -> Any:
    return tree_map_only(DeviceTensor, lambda tensor: tensor.held, values)


def _wrapped(found: Any, ours: Sequence[DeviceTensor]) -> Any:
    """Results on the fake device; a tensor that was changed in place is handed back itself."""
    known = {id(tensor.held): tensor for tensor in ours}

    def wrap(tensor: Tensor) -> Tensor:
        if tensor.device.type == "meta":
            return tensor
        return known[id(tensor)] if id(tensor) in known else DeviceTensor(tensor)

    return tree_map_only(Tensor, wrap, found)
