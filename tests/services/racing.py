"""One of several processes that want the same things at the same moment (see test_claims)."""

import sys
import time
from pathlib import Path

from birdml.tracking.claims import Claims
from birdml.tracking.store import connect

if __name__ == "__main__":
    start, count, out = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    board = Claims(connect(), heartbeat_seconds=60.0)
    out.with_suffix(".ready").touch()
    while not start.exists():
        time.sleep(0.01)
    claims = {f"thing{i}": board.claim(f"thing{i}") for i in range(count)}
    out.write_text("\n".join(name for name, claim in claims.items() if claim is not None))
    out.with_suffix(".done").touch()
    while start.exists():  # an owner that is gone may be taken over: all stay to the end
        time.sleep(0.05)
