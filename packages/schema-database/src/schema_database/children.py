"""Starts a process that outlives this one for a moment, and waits for it.

Knows processes and signals; must not know what such a process tidies up.
"""

from __future__ import annotations

import subprocess
import sys

from schema_database.environment import child_environment


def start_python(
    file: str, *options: str, variables: tuple[str, ...] = ()
) -> subprocess.Popen[bytes]:
    """Run a file of ours with a Python that imports nothing from where somebody else may write.

    Its standard input ends when this process does, in whatever way.

    Args:
        file: what to run.
        options: Python's own, besides -I: no current folder, no variables, no user's packages.
        variables: what the environment has besides what every program needs.
    """
    return subprocess.Popen(
        [sys.executable, "-I", *options, file],
        # What is left in a buffer when this process is interrupted, Python would complain about.
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(*variables),
        # Ctrl-C goes to every process of the terminal's group, and this one is to outlive it.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def wait_for(process: subprocess.Popen[bytes]) -> None:
    """Wait for a child that tidies up and ends by itself, however impatient the user is.

    Raises:
        KeyboardInterrupt: it came meanwhile; raised once the child has ended.
    """
    interrupt: KeyboardInterrupt | None = None
    while process.returncode is None:
        try:
            process.wait()
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
