"""Settings of all tests."""

import os

from hypothesis import HealthCheck, settings

# Machines are shared: how long one example takes says nothing about the code. Where a change is
# judged, the same examples are tried each time; at a desk, new ones.
settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("house")
