"""Training to confirm: data, recipes, runs that survive a crash, and what their accuracies allow one to say."""
