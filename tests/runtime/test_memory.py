"""The sampled peak of resident memory."""

import mmap
import threading
import time

import psutil
import pytest

from lab_helpers.runtime.memory import PeakMemory

SIZE = 200_000_000


def resident_megabytes() -> float:
    return psutil.Process().memory_info().rss / 1e6


def test_the_peak_sees_200_megabytes_that_were_given_back():
    before = resident_megabytes()
    with PeakMemory() as peak:
        # Fresh pages from the kernel: the allocator may hold freed memory of earlier tests.
        block = mmap.mmap(-1, SIZE)
        for page in range(0, SIZE, mmap.PAGESIZE):
            block[page] = 1
        time.sleep(0.15)
        block.close()
    assert 190 < peak.megabytes - before < 400
    assert resident_megabytes() < peak.megabytes - 150


def test_quiet_work_has_about_the_memory_of_the_process():
    with PeakMemory() as peak:
        pass
    assert peak.megabytes == pytest.approx(resident_megabytes(), rel=0.1)


def test_an_error_inside_comes_out_and_ends_the_sampling():
    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError), PeakMemory() as peak:
        raise ZeroDivisionError
    assert threading.active_count() == threads
    assert peak.megabytes > 0
