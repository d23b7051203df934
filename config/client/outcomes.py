"""How a command of the client can end; each end has an exit code of its own, for scripts."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """2 is argparse's: the command line itself was wrong."""

    DONE = 0
    FAILED = 1
    CANCELLED = 3
    REFUSED = 4
    UNREACHABLE = 5
    CHECKSUM = 6
    LOCAL = 7
    INTERRUPTED = 130


EXIT_CODES = """\
exit codes:
  0    done: the operation completed, every file arrived and has the size and SHA-256 that were promised
  1    the operation failed; its fatal message is shown, and whether a restart can help
  2    the command line is wrong
  3    the operation was cancelled
  4    the server refused: credentials, rights, a broken rule, content that expired
  5    the server cannot be reached, or does not answer in time
  6    a file arrived with another size or SHA-256 than promised; it was not kept
  7    this machine: no space, no right to write, no terminal to ask for the password
  130  interrupted; the operation goes on, and the address to watch it is shown
"""


class ClientError(Exception):
    """Why a command ends early: the text is for the person who started it."""

    def __init__(self, code: Exit, text: str) -> None:
        super().__init__(text)
        self.code = code
