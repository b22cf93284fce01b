"""Keras and TensorFlow, loaded without a word: what C libraries log would stand in the notebook.

Chapters import helpers before `session.begin` has started TensorFlow, so modules that need it at
the top take it from here.
"""

from course_utils.tensorflow_device import quiet_standard_error

with quiet_standard_error():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
