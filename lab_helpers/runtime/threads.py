"""Threads of small solvers."""


def one_thread():
    """Context manager: one thread for scikit-learn's solvers.

    On matrices this small their threads wait for each other longer than they compute (measured on
    2 cores: up to 150 times).
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)
