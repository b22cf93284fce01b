"""The `course` command, thin: it reads options, calls the machinery, and prints."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

import course_utils
from course_tools import environment
from course_tools.publish.commands import COMMANDS, notebooks_option, student
from course_utils import lessons
from course_utils.errors import CourseError

__all__ = ["cli", "main"]


class _OneLine(click.ClickException):
    """An error as click shows it: one line, no stack trace, its own exit code."""

    def __init__(self, error: Exception) -> None:
        super().__init__(" ".join(str(error).split()))
        self.exit_code = getattr(error, "exit_code", 1)

    def show(self, file=None) -> None:
        """Print the line, if there still is someone to read it."""
        with contextlib.suppress(OSError):
            click.echo(f"course: {self.message}", err=True)


class _Course(click.Group):
    """A group of commands whose errors are shown in one line, unless the course is at fault."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            with _ended_like_ctrl_c():
                return super().invoke(ctx)
        except (CourseError, OSError) as error:
            raise _OneLine(error) from error
        except ModuleNotFoundError as error:
            shown = _OneLine(environment.lacking(error).removeprefix("course: "))
            shown.exit_code = 2
            raise shown from error


def main(argv: list[str] | None = None) -> int:
    """Run the `course` command.

    Returns 0 when all is well, 1 when something is red or the machine could not, 2 for a mistake
    of the user, 130 after Ctrl-C.
    """
    try:
        return cli.main(args=argv, prog_name="course", standalone_mode=False) or 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        with contextlib.suppress(OSError):
            click.echo("course: interrupted", err=True)
        return 130


@click.group(cls=_Course, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(course_utils.__version__, prog_name="course", message="%(prog)s %(version)s")
def cli() -> None:
    """Run the course's notebooks, and see whether what they claim holds."""


def _leave(code: int) -> None:
    """End the command with an exit code, however it was called."""
    click.get_current_context().exit(code)


@contextlib.contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Within: what ends a process ends what it started first, as Ctrl-C does.

    SIGTERM comes from a cancelled CI job, SIGHUP from a terminal that is closed. Who called with
    `nohup` has it ignored, and so it stays.
    """
    numbers = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    before = {n: signal.getsignal(n) for n in numbers if n is not None}
    try:
        for number, handler in before.items():
            if handler == signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)
    except ValueError:  # Not the main thread: whoever called this handles signals.
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _become(command: Sequence[str], variables: Mapping[str, str], folder: Path) -> None:
    """Let another program take this one's place, so that every signal reaches it."""
    sys.stdout.flush()
    if os.name != "nt":
        os.chdir(folder)
        os.execve(command[0], command, variables)
    # Windows has no such call. Ctrl-C is the other program's to answer: JupyterLab asks first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _leave(subprocess.run(command, check=False, env=variables, cwd=folder).returncode)


@cli.command()
@click.argument("chapters", nargs=-1, metavar="[CHAPTER]...")
@click.option(
    "--profile",
    "profiles",
    type=click.Choice(["smoke", "quick", "full"]),
    multiple=True,
    help="Size of the run; of several, each in a folder of its own.",
)
@click.option("--data", type=click.Choice(["embedded", "real"]), help="Which images.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="One seed.")
@click.option("--seeds", metavar="0-4", help="Several seeds, each in a folder of its own.")
@click.option("--jobs", type=click.IntRange(min=1), help="Chapters at a time.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results.")
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    default=900,
    show_default=True,
    help="Seconds that one cell may take.",
)
@click.option("--force", is_flag=True, help="Execute also what is unchanged.")
@click.option(
    "--mutant",
    "mutated",
    multiple=True,
    metavar="[CHAPTER:]ID",
    help="Apply the mutant of this claim; all is well if it contradicts the claim. Several with "
    "commas, each in a run of its own; or ID+ID+ID of one chapter in a single run, if they do not "
    "touch each other.",
)
@click.option(
    "-p",
    "parameters",
    type=(str, str),
    multiple=True,
    metavar="NAME VALUE",
    help="Another parameter of the chapter.",
)
@click.option("--cluster", metavar="ADDRESS", help="Hand the chapters to this Dask scheduler.")
@notebooks_option
def run(chapters, jobs, force, seeds, mutated, parameters, cluster, **options) -> None:
    """Execute chapters, all or those named by number or name, and judge what they claim."""
    # Here and not above: papermill takes a second to load, and `course --help` should not.
    from course_tools.notebooks import mutants
    from course_tools.run import needs, plan, progress, runs

    planned = plan.jobs(
        plan.Request(
            names=chapters,
            seeds=plan.seeds(seeds) if seeds else (),
            mutants=[wish for text in mutated for wish in text.split(",")],
            parameters=dict(parameters),
            device="cluster" if cluster else "",
            **options,
        )
    )
    if not cluster:  # its machines have folders of their own
        real = [job.chapter.number for job in planned if job.parameters["DATA"] == "real"]
        needs.prepare(real, say=lambda line: click.echo(line, err=True))
    with contextlib.ExitStack() as stack:
        options = {"at_a_time": jobs or runs.workers(len(planned))}
        if cluster:
            from course_tools.run.cluster import connect

            reached = stack.enter_context(connect(cluster))
            click.echo(f"{cluster}: {reached.slots} at a time; {reached.dashboard}", err=True)
            options = {"at_a_time": jobs or (lambda: reached.slots)}
            options |= {"execute": reached.execute, "end": reached.end}
        display = stack.enter_context(progress.display(sys.stderr))
        done = runs.run(planned, display=display, force=force, **options)
    click.echo(f"\n{progress.report(done)}")
    code = done.exit_code
    if mutated:
        chapters = list({job.chapter.path: job.chapter for job in planned}.values())
        rows = [row for outcome in done.outcomes for row in outcome.claims]
        judged = mutants.judge(rows, chapters)
        click.echo(f"\n{mutants.table(judged)}")
        code = code or (0 if judged and all(one.contradicted for one in judged) else 1)
    _leave(code)


@cli.command()
@click.argument("chapters", nargs=-1, metavar="[CHAPTER]...")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/gpu"), show_default=True)
@click.option("--timeout", type=click.IntRange(min=1), default=3600, show_default=True)
@click.option("--force", is_flag=True, help="Execute also what is unchanged.")
@notebooks_option
def gpu(chapters, out, timeout, force, notebooks) -> None:
    """Execute chapters in full on a GPU, with real data where they are here, and write a report."""
    from course_tools import evidence
    from course_tools.notebooks import chapters as known
    from course_tools.notebooks import documents
    from course_tools.run import gpu as device
    from course_tools.run import needs, plan, progress, runs

    seen = device.require_tensorflow()
    click.echo(f"TensorFlow sees {', '.join(seen)}", err=True)
    jobs, why, watches = [], {}, {}
    for chapter in known.find(notebooks, chapters):
        data, why[chapter.number] = device.sets_at_hand(chapter.number)
        jobs += plan.jobs(
            plan.Request(
                notebooks,
                [chapter.stem],
                profile="full",
                data=data,
                timeout=timeout,
                out=out.absolute() / data,
                device="GPU",
            )
        )
    real = [job.chapter.number for job in jobs if job.parameters["DATA"] == "real"]
    needs.prepare(real, say=lambda line: click.echo(line, err=True))
    execute = device.watched(watches)
    with progress.display(sys.stderr) as display:
        # One at a time: the watch is on the device, and not on a process.
        done = runs.run(jobs, at_a_time=1, display=display, force=force, execute=execute)
    stems = [job.chapter.stem for job in jobs]
    agree, said = device.compare_contracts(notebooks.absolute(), stems)
    rows = [row for outcome in done.outcomes for row in outcome.claims]
    kept = lessons.folder(notebooks) / lessons.EVIDENCE
    changed = evidence.changes(rows, lessons.read_evidence(kept))
    report = device.report(done.outcomes, watches, why, contracts=said, changed=changed)
    documents.write_bytes(out / "report.md", report.encode())
    click.echo(report)
    _leave(done.exit_code or (0 if agree else 1))


@cli.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR]...")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Also write a page of Markdown.")
@click.option("--update", is_flag=True, help="Merge the runs into the kept evidence.")
@click.option("--compare", is_flag=True, help="Two runs, OLD and NEW: which numbers differ?")
@click.option("--renew", is_flag=True, help="OLD and NEW agree in seeds 0 and 1: not stale then.")
@notebooks_option
def claims(folders, json_file, markdown, update, compare, renew, notebooks) -> None:
    """Sum up the claims of several runs over their seeds; without DIR, those kept as evidence."""
    from course_tools import evidence

    wanted = {"json_file": json_file, "markdown": markdown, "update": update}
    _leave(evidence.command(folders, notebooks, comparing=compare, renewing=renew, **wanted))


@cli.command("list")
@notebooks_option
def list_chapters(notebooks) -> None:
    """List the chapters."""
    from course_tools import tables
    from course_tools.notebooks import chapters

    found = chapters.find(notebooks)
    header = ("number", "title", "claims", "exercises", "time")
    rows = [(c.number, c.title, str(len(c.claims)), str(len(c.exercises)), c.time) for c in found]
    click.echo(tables.aligned(header, rows, right=(2, 3)))


@cli.command()
@click.option("--all", "slow", is_flag=True, help="Also what is slower: quick, real data, …")
def test(slow) -> None:
    """Test the course: lint, unit tests, contracts, every chapter in smoke."""
    from course_tools import stages

    _leave(stages.run(stages.stages(slow=slow)))


@cli.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[PART]... [OPTION]...")
def bench(options) -> None:
    """Time the course's ways against the usual ones, and write benchmarks/results.md."""
    _become([sys.executable, "-m", "benchmarks", *options], os.environ, environment.ROOT)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[JUPYTERLAB OPTION]...")
@notebooks_option
@click.pass_context
def lab(context, options, notebooks) -> None:
    """Write the students' copies into work/ and open JupyterLab there."""
    work = Path("work")
    context.invoke(student, target=work, notebooks=notebooks)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={work.resolve()}"]
    variables = os.environ | {"COURSE_LESSONS": str(lessons.folder(notebooks).absolute())}
    # The course is written for it, whatever a user's own notebooks compute with.
    variables["KERAS_BACKEND"] = "tensorflow"
    _become([*command, *options], variables, Path.cwd())


@cli.command()
@click.argument("names", nargs=-1, metavar="[CHAPTER]...")
@notebooks_option
def style(names, notebooks) -> None:
    """Say what does not fit the frame of a chapter, by cell."""
    from course_tools import lint as rules
    from course_tools.notebooks import chapters

    found = [f for chapter in chapters.find(notebooks, names) for f in rules.check(chapter.path)]
    for finding in found:
        click.echo(finding)
    click.echo(f"{len(found)} findings")
    _leave(1 if found else 0)


@cli.command()
@click.argument("names", nargs=-1, metavar="[CHAPTER]...")
@click.option(
    "--copies",
    type=click.Path(path_type=Path),
    help="Instead, write copies with the parameters of smoke into this folder, for nbval.",
)
@notebooks_option
def contracts(names, copies, notebooks) -> None:
    """Execute chapters in smoke, and store the outputs of their contract cells, and only theirs."""
    from course_tools.notebooks import chapters
    from course_tools.run.contracts import refresh, write_smoke_copies

    if copies:
        for path in write_smoke_copies(notebooks, copies):
            click.echo(path)
        return
    for chapter in chapters.find(notebooks, names):
        click.echo(refresh(chapter.path))


@cli.command()
@click.option("--keep", is_flag=True, help="Leave what is locked at its version.")
def lock(keep) -> None:
    """Write both locks anew, for CPU and GPU: newest versions, hashes, no address of an index."""
    environment.write_lock(keep=keep)


@cli.command()
@click.argument("sets", nargs=-1, metavar="[SET]...")
@click.option("--registry", type=click.Path(path_type=Path), help="Another registry of sets.")
def data(sets, registry) -> None:
    """List the real data sets, or fetch, verify and prepare those that are named.

    A SET may be a folder of your own images, such as photos/, with a folder for each class: it is
    inspected, and what was found, and left out, is shown.
    """
    from course_tools.datasets import command as data_command

    data_command.data(sets, registry_file=registry)


for _command in COMMANDS:
    cli.add_command(_command)
