"""The commands that publish, as thin as the others; `course_tools.cli` takes them in."""

import contextlib
import threading
from pathlib import Path

import click

from course_utils.errors import InputError

__all__ = ["COMMANDS", "notebooks_option", "student"]


def notebooks_option(function):
    """Give a command the option --notebooks."""
    from course_tools.environment import ROOT

    return click.option(
        "--notebooks",
        type=click.Path(path_type=Path),
        default=ROOT / "notebooks",
        help="Folder of the chapters, if not the repository's own.",
    )(function)


@click.command()
@click.argument("target", type=click.Path(path_type=Path), default=Path("work"))
@click.option("--zip", "zipped", is_flag=True, help="Also TARGET.zip, for a learning platform.")
@click.option("--from", "address", default="", help="Where hosted notebooks install the course.")
@notebooks_option
def student(target, notebooks, zipped=False, address="") -> None:
    """Write the students' copies into TARGET (work/), never over a student's edits."""
    from course_tools.publish.student import student_files, write_student_copies

    click.echo(write_student_copies(notebooks, target, address=address))
    if zipped:
        _zip(target, student_files(notebooks, address=address))


@click.command()
@click.argument("target", type=click.Path(path_type=Path), default=Path("dist/instructor"))
@click.option("--zip", "zipped", is_flag=True, help="Also TARGET.zip, for a learning platform.")
@notebooks_option
def instructor(target, notebooks, zipped) -> None:
    """Write copies with solutions, notes and expected numbers into TARGET (dist/instructor/)."""
    from course_tools.publish.instructor import instructor_files, write_instructor_copies

    click.echo(write_instructor_copies(notebooks, target))
    if zipped:
        _zip(target, instructor_files(notebooks))


@click.command()
@click.argument("target", type=click.Path(path_type=Path), default=Path("dist/nbgrader"))
@click.argument("names", nargs=-1, metavar="[CHAPTER]...")
@notebooks_option
def nbgrader(target, names, notebooks) -> None:
    """Write assignments for nbgrader into TARGET/source (dist/nbgrader/)."""
    from course_tools.publish.grading import write_assignments

    click.echo(write_assignments(notebooks, target, names=names))


def _zip(target: Path, files: dict[str, bytes]) -> None:
    from course_tools.publish.shelf import write_zip

    click.echo(f"{write_zip(target.with_name(target.name + '.zip'), files)}: written")


_run_folders = click.option(
    "--run",
    "run_folders",
    type=click.Path(path_type=Path),
    multiple=True,
    default=[Path("runs/quick-embedded")],
    show_default=True,
    help="Folder of a run with the executed chapters. Of several, the first that has a chapter "
    "counts for it: --run runs/gpu/real --run runs/gpu/embedded.",
)


@click.command()
@click.argument("names", nargs=-1, metavar="[CHAPTER]...")
@_run_folders
@click.option("--out", type=click.Path(path_type=Path), default=Path("dist/site"))
@click.option("--execute", is_flag=True, help="First execute what is not executed, in quick.")
@click.option(
    "--instructor", "solutions", is_flag=True, help="Offer solutions and speaker's notes, too."
)
@click.option("--from", "address", default="", help="Where hosted notebooks install the course.")
@click.option("--serve", is_flag=True, help="Show it on this machine afterwards.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@notebooks_option
@click.pass_context
def site(context, names, run_folders, out, execute, serve, port, notebooks, **options):
    """Build the site from executed chapters into dist/site/; executes none unless told to."""
    from course_tools.publish.site import build, served

    with contextlib.ExitStack() as stack:
        # Before the work, so that a port in use is told at once.
        shown = stack.enter_context(served(out, port=port)) if serve else ""
        if execute:
            _execute_first(context, names, run_folders, notebooks)
        click.echo(build(notebooks, run_folders, out, names=names, **options))
        if shown:
            click.echo(f"{shown} (Ctrl-C ends it)")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()


@click.command()
@click.argument("names", nargs=-1, metavar="[CHAPTER]...")
@_run_folders
@click.option("--out", type=click.Path(path_type=Path), default=Path("dist/slides"))
@click.option("--zip", "zipped", is_flag=True, help="Also OUT.zip, for a learning platform.")
@notebooks_option
def slides(names, run_folders, out, zipped, notebooks) -> None:
    """Make a deck of slides of each executed chapter, with notes, into dist/slides/.

    A deck needs the folder deck/ beside it: hand on the whole folder, or --zip.
    """
    from course_tools.publish.slides import build, carried

    decks = build(notebooks, run_folders, out, names=names)
    for deck in decks:
        click.echo(deck)
    click.echo(f"each needs {out / 'deck'} beside it, and holds the notes for lecturers")
    if zipped:
        _zip(out, carried(decks))


def _execute_first(context, names, run_folders, notebooks: Path) -> None:
    """Run `course run` in quick; it leaves with its exit code if a chapter is red."""
    if len(run_folders) > 1:
        raise InputError(
            f"expected one --run with --execute, received {len(run_folders)}: "
            "execute first, into the folder that lacks a chapter"
        )
    execute = context.parent.command.commands["run"]
    try:
        context.invoke(
            execute, chapters=names, profiles=("quick",), out=run_folders[0], notebooks=notebooks
        )
    except click.exceptions.Exit as done:
        if done.exit_code:
            raise


COMMANDS = (student, instructor, nbgrader, site, slides)
