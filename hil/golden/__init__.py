"""What the outputs must be: the float64 reference, and the exact integer model of the C runtime."""

from hil.golden.integer import run_integer
from hil.golden.reference import run_reference

__all__ = ["run_integer", "run_reference"]
