import resource

from healthtrack.core.interpreter_stack import reserve_stack

CALLS = 300
DEPTHS = range(300)  # more frames than a piece of the stack can hold


def leaf() -> None: ...


def call_at(depth: int) -> None:
    if depth:
        call_at(depth - 1)
    else:
        for _ in range(CALLS):
            leaf()


def count_page_faults() -> int:
    """Return how often the system had to provide memory for calls at any of the depths."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for depth in DEPTHS:
        call_at(depth)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_calls_below_take_no_memory_from_the_system_at_any_depth() -> None:
    @reserve_stack
    def count_with_reserved_stack() -> int:
        return count_page_faults()

    assert count_page_faults() > CALLS
    assert count_with_reserved_stack() < CALLS


def test_the_function_works_as_before() -> None:
    @reserve_stack
    def add(first: int, *others: int, last: int = 0) -> int:
        return first + sum(others) + last

    assert add(1, 2, 3, last=4) == 10
