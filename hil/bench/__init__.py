"""The runtime beside other programs for the same network: how fast, how large, how near."""
