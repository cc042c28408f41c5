"""What the ``hil`` commands do; :mod:`hil.cli` only reads their arguments."""
