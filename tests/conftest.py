"""Shared by all tests: being here puts this folder on the path, for `chapter_builder`."""

import signal

# What a script starts in the background ignores Ctrl-C, and so does all that it starts in turn.
# Some tests press it for real, wherever they are run.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
