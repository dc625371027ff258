"""Numbers from somewhere else: Keras, TensorFlow's profiler and gradients, brute force. None of them asks archlab."""
