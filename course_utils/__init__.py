"""Helpers of the convnet course; see the module that a chapter names.

Importing the package loads nothing heavy: NumPy, Matplotlib and TensorFlow are loaded by the
modules that need them.
"""

__version__ = "0.1.0"
