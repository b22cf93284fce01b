"""Errors whose message is for the reader: what was expected, what was received, what to do.

They know nothing of the command line; `course` prints the message in one line and leaves with
`exit_code`. A notebook shows the same sentence as the last line of its traceback.
"""


class CourseError(Exception):
    """Base of every error that the course raises on purpose.

    Example:
        >>> raise InputError("expected a seed of 0 or more, received -1: choose SEED = 0")
        Traceback (most recent call last):
        ...
        course_utils.errors.InputError: expected a seed of 0 or more, received -1: choose SEED = 0
    """

    exit_code = 1


class InputError(CourseError):
    """Something the user gave is not right; nothing was done."""

    exit_code = 2


class WorldError(CourseError):
    """The user asked for the right thing and the machine could not: disk, network, memory."""

    exit_code = 1
