"""Count correct predictions, clean and under many attacks, in one pass over the photos."""

import zlib
from collections.abc import Callable, Mapping

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassStatScores

from rnst.attacks.attack import Attack
from rnst.data.batches import Batch
from rnst.data.digests import digest
from rnst.data.order import derived_seed
from rnst.encoders.folded_network import FoldedNetwork
from rnst.studies.evaluation.journal import Journal

_CLEAN = "clean"


class RobustnessTest(pl.LightningModule):
    """Module for `Trainer.test`. A photo that is misclassified without attack counts as wrong under every attack.

    AutoAttack counts the same way. Attacking such a photo would change nothing, since the adversary may leave it
    unchanged. The random draws of an attack depend on the seed, the batch and the attack's name, not on the other
    attacks.

    Args:
        classifier: images (N, 3, H, W) in [0, 1] to logits (N, K).
        classes: number of logits.
        attacks: name -> attack, in the order of the report.
        seed: seed of all draws of the attacks.
        journal: number of this process -> the answers that it has kept.
    """

    _journal: Journal

    def __init__(
        self,
        classifier: nn.Module,
        classes: int,
        attacks: Mapping[str, Attack],
        seed: int,
        journal: Callable[[int], Journal],
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.attacks = dict(attacks)
        self._folded = FoldedNetwork(classifier)
        self._seed, self._open_journal = seed, journal
        self._names = [_CLEAN, *attacks]
        self._scores = [MulticlassStatScores(classes, average=None) for _ in self._names]
        self._moved_with_the_task = nn.ModuleList(self._scores)
        self.seen = 0
        self.right_of_class: dict[str, list[int]] = {}
        self.photos_of_class: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W) in [0, 1]."""
        logits: Tensor = self.classifier(images)
        return logits

    def on_test_start(self) -> None:
        """Read what this process has kept."""
        self._journal = self._open_journal(self.global_rank)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Classify the clean batch; attack the correctly classified photos, and classify them again."""
        images, labels = batch
        if not len(labels):  # none of its photos could be read
            return
        clean = self(images).argmax(1)
        self._scores[0].update(clean, labels)
        photos = digest(images, labels, clean)
        device = images.device.type
        kernels = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        # The folded copy has a cheaper gradient; the counted predictions are those of the network itself.
        with self._folded.in_use(kernels) as copied:
            for scores, name in zip(self._scores[1:], self.attacks, strict=True):
                answers = self._journal.find(batch_idx, name, photos)
                if answers is None:
                    answers = self._attacked(name, copied, batch, batch_idx, clean).tolist()
                    self._journal.add(batch_idx, name, photos, answers)
                scores.update(clean.new_tensor(answers), labels)
        self.seen += len(labels)

    def _attacked(self, name: str, copied: nn.Module, batch: Batch, batch_idx: int, clean: Tensor) -> Tensor:
        """Classes (N,) under one attack of those that are right without it; the others keep `clean`."""
        images, labels = batch
        answers, right = clean.clone(), clean == labels
        if right.any():
            place = zlib.crc32(name.encode())  # a different start for each attack, independent of the others
            torch.manual_seed(derived_seed(self._seed, batch_idx, self.global_rank, place))
            attacked = self.attacks[name](copied, images[right], labels[right])
            answers[right] = self(attacked).argmax(1)
        return answers

    def on_test_epoch_end(self) -> None:
        """Sum the counts of all devices."""
        for name, scores in zip(self._names, self._scores, strict=True):
            counts = scores.compute()  # (K, 5): true and false positives, true and false negatives, photos
            self.right_of_class[name] = counts[:, 0].tolist()
            self.photos_of_class = counts[:, -1].tolist()
