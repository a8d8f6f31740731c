"""Peak memory of a stretch of work, sampled, because the kernel's own peak never goes down again."""

import threading


class PeakMemory:
    """Context manager; afterwards ``.megabytes`` is the largest resident size seen (every 50 ms)."""

    def __init__(self, interval: float = 0.05):
        self._interval = interval
        self._done = threading.Event()
        self.megabytes = 0.0

    def _sample(self) -> None:
        import psutil

        process = psutil.Process()
        last = False
        while True:
            self.megabytes = max(self.megabytes, process.memory_info().rss / 1e6)
            if last:
                return
            last = self._done.wait(self._interval)

    def __enter__(self) -> "PeakMemory":
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        self._thread.join()
