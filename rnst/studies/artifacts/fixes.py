"""Proposed fixes against checkerboards, one at a time, as settings of stylize.py."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

NONE = "none"
# The settings of a plain program: pixels, no prior, the network as it was trained.
_PLAIN: Mapping[str, Any] = MappingProxyType(
    {
        "init": "noise",
        "parameters": "pixels",
        "shifts": 1,
        "transforms": "none",
        "tv_weight": 0.0,
        "pooling": "keep",
        "pool_kernel": "keep",
        "strides": "keep",
        "stem": "keep",
    }
)
CHANGES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        NONE: {},
        # The article's own proposal, after Gatys et al. 2016, section 2.
        "average pools": {"pooling": "avg"},
        "2x2 max pools": {"pool_kernel": "even"},
        "2x2 average pools": {"pooling": "avg", "pool_kernel": "even"},
        # Henaff and Simoncelli 2016.
        "L2 pools": {"pooling": "l2"},
        "stem stride 1": {"stem": "dense"},
        # Sahil Singla's comment on the article, which stylized well with Inception this way.
        "stem stride 1, 2x2 average": {"stem": "dense", "pooling": "avg", "pool_kernel": "even"},
        # Zhang 2019.
        "blurred stem and pools": {"strides": "blur_stem"},
        "blurred strides": {"strides": "blur"},
        "shifts": {"shifts": 16},
        "total variation": {"tv_weight": 5.0},
        # Mordvintsev et al. 2018.
        "Fourier": {"parameters": "fourier"},
        "transforms": {"transforms": "robust"},
        "Fourier, transforms": {"parameters": "fourier", "transforms": "robust"},
        "rnst's defaults": {"strides": "blur", "shifts": 16, "parameters": "fourier", "tv_weight": 5.0},
    }
)
"""Name -> settings that a fix changes."""
FIXES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {name: MappingProxyType({**_PLAIN, **changes}) for name, changes in CHANGES.items()}
)
"""Name -> all settings of a fix."""
