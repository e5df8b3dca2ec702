"""Become a server that cannot outlive its parent: `launch.py SIGNAL USER-or-- PROGRAM [WORDS...]`.

A program of its own, since code between fork and exec is not safe in a process with threads.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main(on_death: int, user: str, command: list[str]) -> None:
    """Take that user's identity, ask the kernel for a signal when the parent dies, and exec."""
    library = ctypes.CDLL(None)
    parent = os.getppid()
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":  # After the change of user, which forgets it.
        library.prctl(PR_SET_PDEATHSIG, on_death)
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
