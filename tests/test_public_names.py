"""What `import rnst` gives, and what it costs."""

import subprocess
import sys

import pytest

import rnst


@pytest.mark.parametrize("name", rnst.__all__)
def test_every_public_name_is_there(name: str) -> None:
    value = getattr(rnst, name)
    assert value.__module__.startswith("rnst.")
    assert value.__name__ == name
    assert name in dir(rnst)


def test_another_name_is_an_error_of_the_usual_kind() -> None:
    with pytest.raises(AttributeError, match="no attribute 'stylise'"):
        rnst.stylise  # noqa: B018 - it is not there


def test_importing_the_package_loads_nothing_else() -> None:
    program = (
        "import sys, rnst; print([name for name in sys.modules if name.split('.')[0] in ('torch', 'numpy', 'PIL')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.strip() == "[]"
