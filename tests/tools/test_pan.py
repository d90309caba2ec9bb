from pathlib import Path

import numpy as np
from PIL import Image

from tools.pan import main


def test_each_frame_shows_the_photo_a_step_further(tmp_path: Path) -> None:
    main(["chelsea", str(tmp_path / "frames"), "--frames", "3", "--step", "5", "--width", "64"])
    frames = [np.asarray(Image.open(tmp_path / "frames" / f"{number:02d}.png")) for number in (1, 2, 3)]
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert np.array_equal(frames[1][:, :-5], frames[0][:, 5:])
    assert np.array_equal(frames[2][:, :-5], frames[1][:, 5:])
