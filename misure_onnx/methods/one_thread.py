"""Linear algebra whose result does not depend on the processors that a process has."""

from threadpoolctl import threadpool_limits


def one_thread() -> threadpool_limits:
    """A context in which BLAS uses one thread.

    Sums of several threads are rounded in another order, and what is fitted to them may amplify that.
    """
    return threadpool_limits(1, user_api="blas")
