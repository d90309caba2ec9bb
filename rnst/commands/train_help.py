"""The first screen of `train_robust.py --help`: what people use most."""

from rnst.commands.parsing import help_lines, purposes

USAGE = "train_robust.py [--config NAME_OR_YAML ...] [--data.root DIR] [--KEY VALUE ...]"
_TEXT = """\
Train adversarially robust weights. Without --config: Restricted ImageNet, ResNet-50, L2 radius 3.

examples
  train_robust.py --data.root PHOTOS --output model.safetensors
  train_robust.py --config imagenette --data.root PHOTOS --trainer.max_epochs 10
  train_robust.py --config imagenette --data.root PHOTOS --resume

most used
  --data.root DIR                 folder with train and val, each with one folder for each class
  --output FILE                   weight file to write (.safetensors)
  --model.architecture NAME       any torchvision classifier
  --model.attack.ball.radius R    in units of pixels in [0, 1], stated at data.image_size
  --model.attack.steps N          gradient steps of the attack; --model.attack.step_size their length
  --model.recipe.learning_rate X  also method, schedule, milestones, warmup_epochs, weight_decay, momentum
  --model.loss TradesLoss         TRADES instead of adversarial training (the attack needs loss CleanDivergence)
  --trainer.max_epochs N          length; --trainer.precision, .devices, .gradient_clip_val, all of Lightning's
  --data.batch_size N             images of one step on one device

resume, monitor, average
  --resume                        go on from the newest complete checkpoint of this output
  --checkpoint_minutes M          also keep the state within epochs (or --checkpoint_steps N)
  --monitor.every N               test for catastrophic overfitting every N steps; --monitor.stop true ends the training
  --ema DECAY                     average the weights, as 0.999; the average is evaluated and exported
  --half true                     export kernels as float16
  --tracking off|wandb,csv,...    wandb is offline unless there is a key; tensorboard too; default: wandb,csv

configurations (--config NAME; several are laid over each other, later ones win)
{configs}

  --help_all                      every option, with type and default
  --print_config                  the resolved configuration, as YAML
"""


_COUNTERPARTS = {"NAME_standard": "Of those with a counterpart: the same training without the attack."}


def first_screen() -> str:
    """Usage, the most used options, and the shipped configurations with their first sentences."""
    named = {name: text for name, text in purposes("train/", "trainer/").items() if not name.endswith("_standard")}
    return f"usage: {USAGE}\n\n{_TEXT.format(configs=help_lines(named | _COUNTERPARTS).rstrip())}"
