"""How many cores there are, by affinity and by the quota of a control group; and devices."""

import pytest
import torch

from birdml import machine
from birdml.errors import UserError


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("limit", "cores"), [("max 100000", 8), ("250000 100000", 3), ("1000 100000", 1)]
)
def test_a_quota_counts_where_it_is_smaller(cgroup, limit, cores):
    (cgroup / "cpu.max").write_text(limit)
    assert machine.cores() == cores


def test_without_a_quota_affinity_decides(cgroup):
    assert machine.cores() == 8


def test_a_quota_of_the_old_form(cgroup):
    (cgroup / "cpu").mkdir()
    (cgroup / "cpu" / "cpu.cfs_quota_us").write_text("200000\n")
    (cgroup / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert machine.cores() == 2


def test_a_device_that_is_not_there_is_said_in_one_line():
    with pytest.raises(UserError, match="cannot be used here"):
        machine.pick_device("cuda:99")


def test_a_gpu_computes_in_full_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert machine.pick_device() == "cuda"
    assert not torch.backends.cudnn.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"
