import torch

from rnst.motion.warping import visible, warp


def _flow(right: float, down: float, size: tuple[int, int] = (12, 16)) -> torch.Tensor:
    return torch.tensor([float(right), float(down)]).view(1, 2, 1, 1).expand(1, 2, *size).contiguous()


def test_warp__takes_each_pixel_from_where_the_flow_ends() -> None:
    image = torch.rand(1, 3, 12, 16)
    torch.testing.assert_close(warp(image, _flow(0, 0)), image)
    moved = warp(image, _flow(3, -2))
    torch.testing.assert_close(moved[..., 2:, :-3], image[..., :-2, 3:], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[..., 0, :-3], image[..., 0, 3:], atol=0.2, rtol=0)  # the border, repeated


def test_visible__is_where_the_flow_returns() -> None:
    seen = visible(_flow(3, 0), _flow(-3, 0))[0, 0]
    assert (seen[:, :13] == 1).all()
    assert (seen[:, 13:] == 0).all()  # outside of the other frame
    assert (visible(_flow(3, 0), _flow(0, 0)) == 0).all()


def test_visible__an_object_hides_what_is_behind() -> None:
    """Columns 4 to 7 move to 8 to 11 in this frame; what they uncover was hidden in the other one."""
    flow, back = _flow(0, 0), _flow(0, 0)
    flow[:, 0, :, 8:12] = -4.0
    back[:, 0, :, 4:8] = 4.0
    seen = visible(flow, back)[0, 0]
    assert (seen[:, 8:12] == 1).all()
    assert (seen[:, 4:8] == 0).all()
    assert (seen[:, :4] == 1).all()
