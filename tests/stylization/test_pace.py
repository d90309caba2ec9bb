import pytest

from rnst.stylization.pace import Pace, duration
from rnst.stylization.scales import Scale

_PLAN = [Scale((10, 10), 4, 0), Scale((20, 10), 4, 4)]  # 400 and 800 pixels


def test_share_and_time_count_pixels() -> None:
    clock = iter([5.0, 6.0, 9.0, 17.0])
    pace = Pace(_PLAN, lambda: next(clock))
    first = pace.at(1)
    assert first is not None
    assert (first.share, first.seconds_left) == (100 / 1200, None)
    second = pace.at(2)
    assert second is not None
    assert (second.share, second.seconds_left) == (200 / 1200, 10.0)
    sixth = pace.at(5)
    assert sixth is not None
    assert sixth.seconds_left == pytest.approx(4.0 * 600 / 500)
    assert str(pace.at(8)) == "100 %, 0 s left"


def test_a_resumed_run__times_what_it_does_itself() -> None:
    clock = iter([0.0, 2.0])
    pace = Pace(_PLAN, lambda: next(clock))
    pace.at(6)
    reached = pace.at(7)
    assert reached is not None
    assert reached.seconds_left == 2.0


def test_another_picture__begins_anew() -> None:
    clock = iter([0.0, 100.0, 101.0, 102.0])
    pace = Pace(_PLAN, lambda: next(clock))
    pace.at(7)
    pace.at(8)
    assert str(pace.at(1)) == "8 %"
    assert str(pace.at(2)) == "17 %, 10 s left"


def test_without_a_plan__nothing_is_known() -> None:
    assert Pace([]).at(3) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (119.4, "119 s"), (120, "2 min"), (5000, "83 min"), (7200, "2.0 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
