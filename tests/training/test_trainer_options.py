from typing import Any

import pytest

from rnst.errors import InvalidValueError
from rnst.training.trainer_options import check_trainer


@pytest.mark.parametrize(
    "wrong",
    [
        *({"precision": "bf16-true"}, {"limit_test_batches": 0}, {"reload_dataloaders_every_n_epochs": 0}),
        *({"max_steps": 0}, {"overfit_batches": 2}, {"overfit_batches": 0.5}),
    ],
    ids=str,
)
def test_what_lightning_refuses_late_or_not_at_all(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(InvalidValueError, match=f"--trainer.{name}"):
        check_trainer({"devices": 1, "accelerator": "cpu", **wrong})


@pytest.mark.parametrize("precision", [None, "32-true", "bf16-mixed", 32])
def test_precisions_that_work(precision: str | int | None) -> None:
    check_trainer({"devices": 1, "accelerator": "cpu", "precision": precision})
