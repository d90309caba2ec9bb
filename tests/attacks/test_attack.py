"""No attack, in the place of one."""

from rnst.attacks.attack import NoAttack
from rnst.attacks.ball import L2Ball


def test_no_attack__in_the_place_of_another_one_allows_nothing() -> None:
    """A configuration that puts it over a recipe keeps the recipe's ball; what is exported would be called robust."""
    assert NoAttack(L2Ball(1.5)).ball == L2Ball(0.0)
