"""Shared by all tests: being here puts this folder on the path, for `chapter_builder`."""

import signal

# What a script starts in the background ignores Ctrl-C, and what `nohup` starts a closed terminal,
# and so does all that these start in turn. Some tests send both for real, wherever they are run.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
