"""`python -m benchmarks`: measure, keep the numbers, and write the table."""

import dataclasses
import importlib
import sys
from functools import partial

import click

from benchmarks import needs, tables, turns

# Each has JOBS; the last ones take longest.
MODULES = ("pipeline", "augmentation", "epochs", "explain", "masks", "embedded", "start")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[PART]...", type=click.Choice(MODULES))
@click.option("--rounds", type=click.IntRange(min=1), help="Turns of each, instead of the job's.")
@click.option(
    "--keep/--show", default=True, help="Write results.json and results.md, or only show."
)
def main(names, rounds, keep) -> None:
    """Time every job, or those of some parts, by turns; about a quarter of an hour on two cores.

    What cannot be measured here keeps its earlier numbers, with their date.
    """
    tell = partial(click.echo, err=True)
    parts = {name: importlib.import_module(f"benchmarks.{name}").JOBS for name in MODULES}
    order = [job.name for jobs in parts.values() for job in jobs]
    chosen = [job for name in MODULES if not names or name in names for job in parts[name]]
    before = tables.known()
    if keep:
        tables.page(before, order)  # Refuse a page that cannot be written before anything is timed.
    lacking, failed = needs.lacking(chosen, tell), False
    for job in chosen:
        tell(job.name)
        on = tables.machine()
        found = turns.measure(dataclasses.replace(job, rounds=rounds) if rounds else job, lacking)
        for one in found:
            if one.why:
                tell(f"{one.name}: {one.why}")
                failed = True
        result = {job.name: tables.rows(job, found, on, before.get(job.name))}
        click.echo(tables.render(result, [job.name]))
        if keep:
            tables.store(result, order)
    sys.exit(failed)


if __name__ == "__main__":
    main()
