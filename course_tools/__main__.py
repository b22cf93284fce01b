"""`course …` and `python -m course_tools …`, also on a machine where nothing is installed yet.

Read by Pythons that are too old for the course, to tell them so: keep its syntax plain.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def main():
    """Run the `course` command, in the course's own environment if this one lacks it."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.stderr.write(
            "course: expected Python {}.{} to {}.{}, received {}.{} ({}): install one of them "
            "and call it by name, as in `make run PYTHON=python{}.{}`\n".format(
                *(OLDEST + NEWEST + sys.version_info[:2] + (sys.executable,) + NEWEST)
            )
        )
        return 2
    from course_tools import environment
    from course_utils.errors import CourseError

    try:
        elsewhere = environment.ensure(sys.argv[1:])
    except CourseError as error:
        sys.stderr.write("course: {}\n".format(error))
        return error.exit_code
    if elsewhere is not None:
        return elsewhere

    from course_tools.cli import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
