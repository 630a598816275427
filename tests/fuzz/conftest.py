"""How many inputs each reader is given: a few in `make test`, 10 000 in `make fuzz`."""

import os

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
