"""`course …` and `python -m course_tools …`, also on a machine where nothing is installed yet.

Read by Pythons that are too old for the course, to tell them so: keep its syntax plain.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)
# In any place of a call, these ask for words alone, for which nothing is installed.
ASKS = {"-h", "--help", "--version"}


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

    arguments = sys.argv[1:]
    asks = not arguments or bool(ASKS & set(arguments))
    try:
        elsewhere = environment.ensure(arguments, asks=asks)
        if elsewhere is not None:
            return elsewhere
        from course_tools.cli import main as command
    except CourseError as error:
        sys.stderr.write("course: {}\n".format(error))
        return error.exit_code
    except OSError as error:
        sys.stderr.write("course: the system refused: {}\n".format(error))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("course: interrupted\n")
        return 130
    except ModuleNotFoundError as error:
        if asks:
            sys.stdout.write(_words(arguments))
            return 0
        sys.stderr.write(environment.lacking(error))
        return 2

    return command()


def _words(arguments):
    """The version, or what each command does, read from the files that define them."""
    import ast
    from pathlib import Path

    import course_utils

    if "--version" in arguments:
        return "course {}\n".format(course_utils.__version__)
    lines = []
    for name in ("cli.py", "publish/commands.py"):
        source = Path(__file__).parent.joinpath(name).read_text("utf-8")
        for node in ast.parse(source).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "command":
                    command = call.args[0].value if call.args else node.name
                    first = ast.get_docstring(node).splitlines()[0]
                    lines.append("  {:<11} {}\n".format(command, first))
    return (
        "Usage: course COMMAND [OPTION]...\n\n  Run the course's notebooks, and see whether what "
        "they claim holds.\n\nCommands:\n{}\nThe first command makes the course's environment; "
        "`course COMMAND --help` then lists its options.\n".format("".join(sorted(lines)))
    )


if __name__ == "__main__":
    sys.exit(main())
