"""`python -m benchmarks`: measure, keep the numbers, and write the table."""

import dataclasses
import importlib

import click

from benchmarks import tables, turns

# Each has JOBS; the last ones take longest.
MODULES = ("pipeline", "augmentation", "epochs", "explain", "masks", "embedded", "start")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[PART]...", type=click.Choice(MODULES))
@click.option("--rounds", type=click.IntRange(min=1), help="Turns of each, instead of the job's.")
@click.option(
    "--keep/--show", default=True, help="Write results.json and results.md, or only show."
)
def main(names, rounds, keep) -> None:
    """Time every job, or those of some parts, by turns; about a quarter of an hour on two cores."""
    order, results = [], {}
    for module in MODULES:
        jobs = importlib.import_module(f"benchmarks.{module}").JOBS
        order += [job.name for job in jobs]
        for job in jobs if not names or module in names else ():
            click.echo(job.name, err=True)
            machine = tables.machine()
            found = turns.measure(dataclasses.replace(job, rounds=rounds) if rounds else job)
            results[job.name] = tables.rows(job, found) | {"machine": machine}
            click.echo(tables.render({job.name: results[job.name]}, [job.name]))
    if keep:
        known = tables.store(tables.FOLDER / "results.json", results)
        tables.written(tables.FOLDER / "results.md", tables.render(known, order))


if __name__ == "__main__":
    main()
