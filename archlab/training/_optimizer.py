"""Keras optimizers and learning-rate schedules of recipes."""

from __future__ import annotations

from functools import cache
from math import pi

from archlab.bridge import load_keras, overridable
from archlab.bridge.types import Optimizer, Tensor, Variable
from archlab.training.recipes import Recipe

# Weight decay applies to kernels only: the next kernel can undo the decay of a bias or a scale (He et al. 2019,
# 'Bag of Tricks for Image Classification', section 3.1).
_NO_DECAY = ["bias", "gamma", "beta", "alpha"]


def make_optimizer(recipe: Recipe, steps: int, precision: str = "float32") -> Optimizer:
    """The optimizer of a recipe for a run of `steps` steps, not yet built.

    `precision` is the data type of Muon's matrix products.
    """
    _, keras = load_keras()
    rate = recipe.lr if recipe.schedule == "constant" and not recipe.warmup else _schedule()(recipe, steps)
    decay = recipe.weight_decay or None
    common: dict[str, object] = {"learning_rate": rate, "weight_decay": decay}
    if recipe.average:
        common |= {"use_ema": True, "ema_momentum": recipe.average}
    kinds = {
        "rmsprop": (keras.optimizers.RMSprop, {}),
        "sgd": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
        "adam": (keras.optimizers.Adam, {}),
        "adamw": (keras.optimizers.AdamW, {"weight_decay": recipe.weight_decay}),
        "lion": (keras.optimizers.Lion, {}),
    }
    if recipe.optimizer == "muon":
        optimizer = _muon(precision)(
            **common | {"weight_decay": recipe.weight_decay, "adam_weight_decay": recipe.weight_decay}
        )
    else:
        kind, more = kinds[recipe.optimizer]
        optimizer = kind(**common | more)
    optimizer.exclude_from_weight_decay(var_names=_NO_DECAY)
    return optimizer


@cache
def _schedule() -> Tensor:
    tf, keras = load_keras()

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):
        """Linear warm-up, then the schedule of the recipe."""

        def __init__(self, recipe: Recipe, steps: int) -> None:
            self.recipe, self.steps = recipe, steps

        def __call__(self, step: Tensor) -> Tensor:
            warmup = self.recipe.warmup * self.steps
            step = tf.cast(step, "float32")
            # The schedule ends one step after the last, whose rate is thus above zero.
            progress = tf.clip_by_value((step - warmup) / max(self.steps - warmup, 1.0), 0, 1)
            decay = {
                "constant": tf.ones_like(progress),
                "linear": 1 - progress,
                "cosine": (1 + tf.cos(pi * progress)) / 2,
            }
            rate = decay[self.recipe.schedule]
            return self.recipe.lr * (tf.where(step < warmup, (step + 1) / max(warmup, 1.0), rate) if warmup else rate)

        def get_config(self) -> dict[str, object]:
            recipe = self.recipe
            return {"schedule": recipe.schedule, "lr": recipe.lr, "warmup": recipe.warmup, "steps": self.steps}

    return Schedule


@cache
def _muon(precision: str) -> Tensor:
    _, keras = load_keras()

    base = overridable(keras.optimizers.Muon, "_should_use_adamw", "_muon_update_step")

    class Muon(base):
        """Muon (Jordan et al. 2024), extended to convolution kernels as matrices of inputs × filters.

        Keras's Muon updates only matrices, and everything else by Adam. Here Adam updates depthwise kernels, whose
        channels are independent, the first convolution and the head.
        """

        def _should_use_adamw(self, variable: Variable) -> bool:
            shape = variable.shape
            few = len(shape) < 2 or min(shape[-2:]) < 8
            return len(shape) not in (2, 4) or few or "depthwise" in variable.path

        def _muon_update_step(self, gradient: Tensor, variable: Variable, lr: Tensor, m: Tensor) -> None:
            self.assign_add(m, gradient + m * (self.momentum - 1))
            update = gradient + self.momentum * m if self.nesterov else m
            matrix = keras.ops.reshape(update, (-1, variable.shape[-1]))
            # bfloat16 is precise enough for this approximate direction (Jordan et al. 2024).
            direction = self.zeropower_via_newtonschulz5(keras.ops.cast(matrix, precision), self.ns_steps)
            step = self.lr_adjust(lr * keras.ops.cast(direction, variable.dtype))
            self.assign_sub(variable, keras.ops.reshape(step, variable.shape))

    return Muon
