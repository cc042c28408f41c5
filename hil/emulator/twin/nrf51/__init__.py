"""The twin's nRF51822: what is special to the part; the core and its time are in the folder above."""
