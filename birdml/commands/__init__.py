"""The command lines: parse, call, print. `birdml NAME` and `entry_points/NAME.py` are two doors
to the same commands."""
