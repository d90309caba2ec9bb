"""Robust ImageNet networks that others trained and published: names, URLs, radii, accuracies, hashes."""

from dataclasses import dataclass

_FOLDER = "https://huggingface.co/madrylab/robust-imagenet-models/resolve/1c68d6e185c2a503ec164cc8f736b1642b12d769/"
_LINF_UNIT = 255  # radii in the names of Linf files are in gray levels

# Architecture in the file name -> torchvision's name, or ours where torchvision has none.
_ARCHITECTURES = {
    "densenet": "densenet161",
    "mnasnet": "mnasnet1_0",
    "mobilenet": "mobilenet_v2",
    "shufflenet": "shufflenet_v2_x1_0",
}

# File, clean top-1 accuracy in percent, sha256. Accuracies: the table in the model card of
# huggingface.co/madrylab/robust-imagenet-models (Salman et al. 2020, arXiv:2007.08489). Hashes: the Git LFS page of
# each file there; "-" where that page was not available: the hash reported by the server is then used at download.
_FILES = """
resnet18_l2_eps0             69.79  d762c58693a2ecaf93160060bb2c32493598540a08852fb3068e95e88f032623
resnet18_l2_eps0.01          69.90  629a82377947785e5481eeaf4e22e3ca59a2eedeb4e385730ee2392b2678407d
resnet18_l2_eps0.03          69.24  -
resnet18_l2_eps0.05          69.15  00912b1aa6d60cf7536b52762ed702e0b9cae822187200f42fe4f6a678771bed
resnet18_l2_eps0.1           68.77  2477188559680d096a4eccf5bc7610317cab4b46a97094072d38a29a11bfa8fc
resnet18_l2_eps0.25          67.43  2bed566c554755a0f6f82ddbe83c707d259801308f966e787bcd287f969c7911
resnet18_l2_eps0.5           65.49  69a10462280f266ab855547fde0649ac909f06174ed8df83b8bf2ea0f6fc8150
resnet18_l2_eps1             62.32  92e6c37af550167c7c49c77ad31aad027de4e1f47fbef57546a48ef43626ebcf
resnet18_l2_eps3             53.12  b4315784a1a10257b05906aee94d6884678f7b77412d10100d7c05daa959eab0
resnet18_l2_eps5             45.59  d3ef126afdf9144a22020988dc46f552a0c39347e954c34359a3cb6bf83df186
resnet50_l2_eps0             75.80  72d4a99582db5d7fa86c3fd2a089f0bfd6a10f69d635bca51f6ad72ac6b458f0
resnet50_l2_eps0.01          75.68  53d7a7c09d2733b113e255ac9fc578091f44adb8d00eee274c0e71dd1f4dc41e
resnet50_l2_eps0.03          75.76  e375df3bf07bf1360c04b0aff5cc19bb215e850b1af713327c87cf0353a5598f
resnet50_l2_eps0.05          75.59  e09d8763fcf825542f07389a1904adf15930451b8661a0de209c3bc39828c2ea
resnet50_l2_eps0.1           74.78  3298f8cf689e514d096df883ab491a11ee32c3b8d456d674add29d7b50721a43
resnet50_l2_eps0.25          74.14  -
resnet50_l2_eps0.5           73.16  a5fc6fcc54946b73af7bd74289b0003cc9d2744fa0ff55c1a3d9fb2bce8fbd30
resnet50_l2_eps1             70.43  -
resnet50_l2_eps3             62.83  380b14e6f9750bffa1447cf7017f65da4dc5ce71a3dd112f107515dcf7b14d9d
resnet50_l2_eps5             56.13  c50db4bbd9a61bc0e0a33290e1f07a79080e16489aa5ada869efc88306f497be
wide_resnet50_2_l2_eps0      76.97  -
wide_resnet50_2_l2_eps0.01   77.25  598f5be2e552bba5c21e3581a68339f5166859d9a959a2c90ce1027ec4abd76c
wide_resnet50_2_l2_eps0.03   77.26  -
wide_resnet50_2_l2_eps0.05   77.17  c8f12d8ead34232f80d09ca681deba7c42ede5762a7aadd16b7894227b80f1d8
wide_resnet50_2_l2_eps0.1    76.74  -
wide_resnet50_2_l2_eps0.25   76.21  -
wide_resnet50_2_l2_eps0.5    75.11  -
wide_resnet50_2_l2_eps1      73.41  -
wide_resnet50_2_l2_eps3      66.90  -
wide_resnet50_2_l2_eps5      60.94  -
wide_resnet50_4_l2_eps0      77.91  -
wide_resnet50_4_l2_eps0.01   78.02  -
wide_resnet50_4_l2_eps0.03   77.87  -
wide_resnet50_4_l2_eps0.05   77.77  -
wide_resnet50_4_l2_eps0.1    77.64  -
wide_resnet50_4_l2_eps0.25   77.10  -
wide_resnet50_4_l2_eps0.5    76.52  -
wide_resnet50_4_l2_eps1      75.51  -
wide_resnet50_4_l2_eps3      69.67  -
wide_resnet50_4_l2_eps5      65.20  -
densenet_l2_eps0             77.37  eeb85d694d0d7375a76b384c8eaf2281c78400dd79e430e086b57a2caef24475
densenet_l2_eps3             66.98  ecd7c9f6f41784f790b41345b38486b834a2a54648a32a06c940264821609e0a
mnasnet_l2_eps0              60.97  b21ce66737b997803925d59380cc55534a1e4f1930811c851202ef6f259ff735
mnasnet_l2_eps3              41.83  67659af5b508e754645ca6f939427d5c5f3545bfb16b0ece5b2421974b9dc4c7
mobilenet_l2_eps0            65.26  c0bee2ca75726d83126444b01ab54ae356f9aebb913c4756836ee669de38abcd
mobilenet_l2_eps3            50.40  -
resnext50_32x4d_l2_eps0      77.38  ad5676d3150b32bde27492d1bc2bc3f75c735b257b479034435eb0acee578604
resnext50_32x4d_l2_eps3      66.25  -
shufflenet_l2_eps0           64.25  -
shufflenet_l2_eps3           43.32  dada3e413bd58955375c4916aaa80756e562c6fe5a89525280cb041c8d037c49
vgg16_bn_l2_eps0             73.66  88d661f295ff8e72df66668e98c46bdb26b2385e47c798415f1027b407586449
vgg16_bn_l2_eps3             57.19  651a1edc842f484112671668dabdc883e85df8ba0e150d5b9866a20f9eb0f33a
resnet18_linf_eps0.5         66.13  48d5e933d4ec99b390a0b7c628a4303343f9517a46245cbd7d2f2c034cbd93ee
resnet18_linf_eps1.0         63.46  b49800111d38197deefb0c236055fbdd9d91a0607e55d6cc0bce15504adc9582
resnet18_linf_eps2.0         59.63  bf2611291cc5f792c7f8f17ff6f841f9a0ede32dbe575cbd5bc57233139ae8bd
resnet18_linf_eps4.0         52.49  6f8ccef1ae4958c381617081e9e0fb5f50e7cccd4965192d1caa452fd6c5cd1e
resnet18_linf_eps8.0         42.11  -
resnet50_linf_eps0.5         73.73  9612d8096ef5378b4a32746072f72fedcb02c7ff4b747bc7163274f7ec2f0fd8
resnet50_linf_eps1.0         72.05  -
resnet50_linf_eps2.0         69.10  59f28de783a049cb4d91ba1c0a09c314db2cc4bb1e859566e023f842b02772ac
resnet50_linf_eps4.0         63.86  9e62216975c111b8081481533b6142dec34be69abe5d90b54d7f860015c263db
resnet50_linf_eps8.0         54.53  b907957f8e3ce209816813d8811c682e965a1b0f48455def828d35a4cc2953dc
wide_resnet50_2_linf_eps0.5  75.82  -
wide_resnet50_2_linf_eps1.0  74.65  -
wide_resnet50_2_linf_eps2.0  72.35  -
wide_resnet50_2_linf_eps4.0  68.41  -
wide_resnet50_2_linf_eps8.0  60.82  -
"""


@dataclass(frozen=True)
class PublishedWeights:
    """One published weight file.

    Attributes:
        name: name for `--encoder`.
        architecture: name for `build_classifier`.
        url: address of the file.
        sha256: of the file, or "" if unknown before the download.
        licence: of the weights.
        data: training data.
        norm: of the perturbations in training, "l2" or "linf".
        radius: of the perturbations in training, for images in [0, 1] at 224 px; 0 means standard training.
        accuracy: clean top-1 accuracy in [0, 1] as published, not measured here; None if not stated.
    """

    name: str
    architecture: str
    url: str
    sha256: str
    licence: str
    data: str
    norm: str
    radius: float
    accuracy: float | None

    @property
    def description(self) -> str:
        """One line for `rnst models`."""
        radius = f"{self.radius:g}" if self.norm == "l2" else f"{self.radius * _LINF_UNIT:g}/{_LINF_UNIT}"
        training = f"{self.norm.capitalize()} radius {radius}" if self.radius else "standard training"
        stated = f", {self.accuracy:.2%} clean as published" if self.accuracy is not None else ""
        return f"{self.architecture}, {self.data}, {training}{stated}"

    @property
    def family(self) -> str:
        """Name without the radius, which networks that differ only in the radius share."""
        return self.name.partition("_eps")[0]

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.url.rsplit("/", 1)[-1]


def _row(line: str) -> PublishedWeights:
    stem, accuracy, sha256 = line.split()
    family, norm, radius = stem.replace("_eps", "_").rsplit("_", 2)
    return PublishedWeights(
        name=f"{family}_{norm}_eps{float(radius):g}",
        architecture=_ARCHITECTURES.get(family, family),
        url=f"{_FOLDER}{stem}.ckpt",
        sha256="" if sha256 == "-" else sha256,
        licence="MIT",
        data="ImageNet",
        norm=norm,
        radius=float(radius) / (1 if norm == "l2" else _LINF_UNIT),
        accuracy=round(float(accuracy) / 100, 4),
    )


def _restricted(name: str, url: str, radius: float) -> PublishedWeights:
    """MadryLab's Restricted ImageNet files (Engstrom et al. 2019, arXiv:1906.00945): no accuracy, no hash published."""
    licence = "none stated by its authors"
    return PublishedWeights(name, "resnet50", url, "", licence, "Restricted ImageNet", "l2", radius, None)


PUBLISHED = {
    weights.name: weights
    for weights in (
        # The authors state radius 3 for the file (robust_representations, issue 8), their paper's table 3.5.
        _restricted("restricted_resnet50_l2_eps3", "https://andrewilyas.com/RestrictedImageNet.pt", 3.0),
        _restricted(
            "restricted_resnet50_standard", "https://robustmodels.s3.amazonaws.com/RestrictedImageNetNat.pt", 0.0
        ),
        *(_row(line) for line in _FILES.split("\n") if line),
    )
}
