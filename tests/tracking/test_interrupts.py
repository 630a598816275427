"""An interrupt comes between requests to a store, never inside one."""

import os
import signal
import threading
import time

import pytest
from mlflow.entities import Metric

from birdml.tracking import experiments, store
from birdml.tracking.interrupts import in_one_piece, interrupt_on_termination


@pytest.fixture(autouse=True)
def handlers():
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    interrupt_on_termination()
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_waits_for_the_end_of_the_outermost_piece(number):
    done = []
    with pytest.raises(KeyboardInterrupt):
        with in_one_piece():
            with in_one_piece():
                os.kill(os.getpid(), number)
                time.sleep(0.05)
                done.append("inner")
            os.kill(os.getpid(), number)
            time.sleep(0.05)
            done.append("outer")
        done.append("after")
    assert done == ["inner", "outer"]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
        time.sleep(1)


def test_interrupts_at_any_moment_leave_a_store_that_can_be_used(client):
    """The figures of a request are all there or none, and nothing is locked afterwards."""
    client = store.connect()
    run_id = client.create_run(experiments.experiment_id(client)).info.run_id
    figures = [Metric(f"figure{n}", 1.0, 0, 0) for n in range(20)]
    for trial in range(25):
        after = threading.Timer(0.002 * trial, os.kill, (os.getpid(), signal.SIGTERM))
        step = 0
        with pytest.raises(KeyboardInterrupt):
            after.start()
            while True:
                step += 1
                steps = [Metric(m.key, m.value, 0, 1000 * trial + step) for m in figures]
                client.log_batch(run_id, metrics=steps)
        client.set_tag(run_id, "interrupted", str(trial))
    assert client.get_run(run_id).data.tags["interrupted"] == "24"
    counts = {len(client.get_metric_history(run_id, m.key)) for m in figures}
    assert len(counts) == 1
