"""The ``hil`` program: Ctrl-C ends it with exit code 130 and no trace, also while its modules are being imported."""

from __future__ import annotations

import signal
import sys

from hil.interrupt import INTERRUPTED, importing, pass_on


def main() -> None:
    """Run a command; see :func:`hil.cli.main`."""
    with importing():
        from hil.cli import main as run  # noqa: PLC0415 - what takes its time comes when Ctrl-C is taken care of
    sys.unraisablehook = pass_on
    try:
        try:
            run()
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python ends now, which Ctrl-C would show in a trace
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
