"""The order of modules in a network; no other file uses torch.fx."""

from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

# Errors of tracing if Python code of a network depends on the values or sizes of its input.
_UNTRACEABLE = (TypeError, ValueError, RuntimeError, AttributeError, NotImplementedError)


def called_convolutions(network: nn.Module) -> dict[str, str | None]:
    """Convolutions that are called exactly once, with the BatchNorm that directly follows each.

    Args:
        network: traced in its current mode; it is neither run nor changed.

    Returns:
        Path of the convolution -> path of the BatchNorm that uses its output, or None if another operation uses the
        output, or uses it too. Empty if the network cannot be traced.
    """
    try:
        calls = [node for node in _Tracer().trace(network).nodes if node.op == "call_module"]
    except _UNTRACEABLE:
        return {}
    paths = [str(node.target) for node in calls]
    once = {path: network.get_submodule(path) for path in paths if paths.count(path) == 1}
    found: dict[str, str | None] = {}
    for node, path in zip(calls, paths, strict=True):
        if type(once.get(path)) is nn.Conv2d:
            taker = next(iter(node.users)) if len(node.users) == 1 else None
            follows = taker is not None and taker.op == "call_module" and _keeps_statistics(once.get(str(taker.target)))
            found[path] = str(taker.target) if taker is not None and follows else None
    return found


class _Tracer(fx.Tracer):
    """Shows BatchNorm of other libraries as one call, like that of torch. Lightning leaves such after a training."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return _keeps_statistics(m) or super().is_leaf_module(m, module_qualified_name)


def _keeps_statistics(module: nn.Module | None) -> bool:
    """Whether the module is, in eval mode, BatchNorm with fixed statistics and nothing else.

    BatchNorm that is synchronized over devices is. A subclass with a forward pass of its own may do more: timm has one
    with an activation.
    """
    if not isinstance(module, _BatchNorm) or type(module).forward not in {_BatchNorm.forward, nn.SyncBatchNorm.forward}:
        return False
    return module.running_mean is not None
