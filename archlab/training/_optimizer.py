"""A recipe's optimizer and learning-rate schedule, made of Keras's."""

from __future__ import annotations

from functools import cache
from math import pi
from typing import Any

from archlab.bridge import load_keras
from archlab.training.recipes import Recipe

# Only kernels decay: shrinking a shift or a scale does nothing that the next kernel cannot undo (He et al. 2019,
# 'Bag of Tricks for Image Classification', section 3.1).
_NO_DECAY = ["bias", "gamma", "beta", "alpha"]


def make_optimizer(how: Recipe, steps: int, precision: str = "float32") -> Any:
    """The recipe's optimizer for a run of so many steps, not yet built.

    `precision` is what matrices are multiplied in, where it has to.
    """
    _, keras = load_keras()
    rate = how.lr if how.schedule == "constant" and not how.warmup else _schedule()(how, steps)
    decay = how.weight_decay or None
    common: dict[str, Any] = {"learning_rate": rate, "weight_decay": decay}
    if how.average:
        common |= {"use_ema": True, "ema_momentum": how.average}
    kinds = {
        "rmsprop": (keras.optimizers.RMSprop, {}),
        "sgd": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
        "adam": (keras.optimizers.Adam, {}),
        "adamw": (keras.optimizers.AdamW, {"weight_decay": how.weight_decay}),
        "lion": (keras.optimizers.Lion, {}),
    }
    if how.optimizer == "muon":
        made = _muon(precision)(**common | {"weight_decay": how.weight_decay, "adam_weight_decay": how.weight_decay})
    else:
        kind, more = kinds[how.optimizer]
        made = kind(**common | more)
    made.exclude_from_weight_decay(var_names=_NO_DECAY)
    return made


@cache
def _schedule() -> Any:
    tf, keras = load_keras()

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):
        """Up on a line, then as the recipe says."""

        def __init__(self, how: Recipe, steps: int) -> None:
            self.how, self.steps = how, steps

        def __call__(self, step: Any) -> Any:
            up = self.how.warmup * self.steps
            step = tf.cast(step, "float32")
            # The last step has a rate too: the end of the schedule lies one step behind it.
            gone = tf.clip_by_value((step - up) / max(self.steps - up, 1.0), 0, 1)
            after = {"constant": tf.ones_like(gone), "linear": 1 - gone, "cosine": (1 + tf.cos(pi * gone)) / 2}
            rate = after[self.how.schedule]
            return self.how.lr * (tf.where(step < up, (step + 1) / max(up, 1.0), rate) if up else rate)

        def get_config(self) -> dict[str, Any]:
            how = self.how
            return {"schedule": how.schedule, "lr": how.lr, "warmup": how.warmup, "steps": self.steps}

    return Schedule


@cache
def _muon(precision: str) -> Any:
    _, keras = load_keras()

    class Muon(keras.optimizers.Muon):
        """Muon (Jordan et al. 2024) for the kernels of convolutions too, as matrices of inputs × filters.

        Keras's own leaves everything that is no matrix to Adam. So do we with depthwise kernels, whose channels have
        nothing to do with one another, with the first convolution and with the head.
        """

        def _should_use_adamw(self, variable: Any) -> bool:
            shape = variable.shape
            few = len(shape) < 2 or min(shape[-2:]) < 8
            return len(shape) not in (2, 4) or few or "depthwise" in variable.path

        def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
            self.assign_add(m, gradient + m * (self.momentum - 1))
            update = gradient + self.momentum * m if self.nesterov else m
            matrix = keras.ops.reshape(update, (-1, variable.shape[-1]))
            # Eight bits are enough here, as Jordan found: the direction is only an approximate one.
            made = self.zeropower_via_newtonschulz5(keras.ops.cast(matrix, precision), self.ns_steps)
            made = self.lr_adjust(lr * keras.ops.cast(made, variable.dtype))
            self.assign_sub(variable, keras.ops.reshape(made, variable.shape))

    return Muon
