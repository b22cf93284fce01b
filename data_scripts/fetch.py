"""Fetch, verify and prepare real data sets: `python data_scripts/fetch.py cats_vs_dogs …`.

Without a name it lists what there is. It does what `course data` does; no TensorFlow is loaded.
"""

import argparse
import sys
from pathlib import Path

# So that it works in a checkout that is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from course_tools.datasets.command import data
from course_utils.errors import CourseError


def main() -> int:
    """Read the command line and do it; 0, or the exit code of what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help="names; none lists the sets")
    parser.add_argument("--registry", type=Path, metavar="FILE", help="another registry")
    options = parser.parse_args()
    try:
        data(options.sets, registry_file=options.registry)
    except CourseError as error:
        print(f"course: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("course: interrupted; what came is kept", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
