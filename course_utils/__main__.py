"""`python -m course_utils …` starts `python -m course_tools …`, for whoever learnt that name.

Read by Pythons that are too old for the course: keep its syntax plain.
"""

import os
import subprocess
import sys

if __name__ == "__main__":
    command = [sys.executable, "-m", "course_tools", *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)
