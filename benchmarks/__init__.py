"""Side by side: what the course does, and what a reader would do instead.

    make bench                          every job, and the table in results.md
    python -m benchmarks explain masks  some parts; the rows of others stay as they are

Both sides of a job run in the same call, by turns, each in a process of its own: see `turns`.
"""
