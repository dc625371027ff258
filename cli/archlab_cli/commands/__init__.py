"""One file a command, loaded when it is used. Each holds one `command`.

The first lines of their help stand here too, in groups: `archlab --help` imports none of them.
"""

from collections.abc import Mapping

GROUPS: Mapping[str, Mapping[str, str]] = {
    "Analyse": {
        "list": "The architectures that can be named.",
        "show": "One architecture, layer by layer.",
        "compare": "Several architectures, side by side.",
        "diff": "What differs between two architectures, layer by layer.",
        "render": "A picture of an architecture: its graph, its pyramid of feature maps, or what its units see.",
    },
    "Judge": {
        "lint": "What is wrong with architectures, how much it matters, and what to change.",
        "check": "Hold architectures to a budget: limits on any quantity, and no growth against a baseline.",
        "forecast": "Whether architectures train, under SGD and Adam, and why not; nothing is built.",
        "gradients": "How strong signals and gradients are at every layer, measured.",
        "explain": "Why gradients and activations change along an architecture: the terms that add up to the change.",
        "ablate": "What each pattern buys: residual connections, normalization, separable convolutions.",
    },
    "Cost": {
        "memory": "The memory of a training step, and the batch that fits: nothing is built.",
        "latency": "How long a forward pass and a training step take, predicted, and what bounds them.",
        "calibrate": "Measure this machine, once, for `archlab latency`: about two minutes.",
    },
    "Change": {
        "fit": "Architectures of one family that keep bounds, and of these the Pareto front.",
        "scale": "An architecture with its widths and depths scaled together, to so many times the MACs.",
        "export": "An architecture as a file: YAML, Keras code, or a Keras model.",
    },
    "Train": {
        "data": "Download, inspect or generate training images.",
        "train": "Train an architecture, and test it once with the best weights by validation.",
        "evaluate": "Evaluate the best weights of a training run: accuracy, confusion matrix, recall.",
        "predict": "Predict the classes of images with the best weights of a training run.",
        "experiment": "Train architectures × recipes × seeds by a plan, and compare the results.",
    },
}
"""Every command's name and the first line of its help, by what it is for."""

SUMMARIES: Mapping[str, str] = {name: line for group in GROUPS.values() for name, line in group.items()}
"""The same without the groups."""
