"""How many inputs each reader is given: a few in `make test`, 10 000 in `make fuzz`; and how much
memory it may take for them: 200 MB above what the process has.
"""

import os
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SLOW_IS_FINE = [
    HealthCheck.too_slow,
    HealthCheck.function_scoped_fixture,
    HealthCheck.data_too_large,
]
settings.register_profile(
    "test",
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=SLOW_IS_FINE,
)
settings.register_profile(
    "fuzz",
    max_examples=10_000,
    deadline=1000,  # milliseconds
    database=None,
    suppress_health_check=SLOW_IS_FINE,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))

MOST = 200 << 20  # bytes
PAGES = Path("/proc/self/statm")  # of this process, where the system tells


@pytest.fixture(autouse=True)
def little_memory():
    """A MemoryError, which no reader may answer with, where one takes more than MOST."""
    if not PAGES.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(PAGES.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
