"""Settings of all tests."""

import os

import pytest
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


@pytest.fixture(scope="session")
def start_cluster():
    """Start a Dask cluster of two processes on this machine; nothing is left of it afterwards."""
    import dask
    import distributed

    def start(*, allowed_failures=3):
        with dask.config.set({"distributed.scheduler.allowed-failures": allowed_failures}):
            return distributed.LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                silence_logs=50,
            )

    return start


@pytest.fixture(scope="module")
def client(start_cluster):
    import distributed

    with start_cluster() as cluster, distributed.Client(cluster) as connected:
        yield connected
