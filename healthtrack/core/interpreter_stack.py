"""Reserve the stack of Python's interpreter for a request.

CPython takes this stack from the system in pieces of 16 kB, and gives a piece back as soon as the calls in it return.
If the end of a piece happens to be where a page calls small functions, each of these calls takes and returns a piece:
up to a third of the page's time. Which pages that are changes with every middleware.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from types import FunctionType

# In words of 8 bytes. The frame is larger than half of a piece, so its piece is of 512 kB, and has as much room for the
# calls below: pages need a third of it. Memory that no call uses is never mapped.
RESERVED_WORDS = 2**15

Function = TypeVar("Function", bound=Callable[..., object])


def reserve_stack(function: Function) -> Function:
    """Return the function; the calls that it makes, and theirs in turn, have one piece of stack."""
    code = cast("FunctionType", function)
    code.__code__ = code.__code__.replace(co_stacksize=RESERVED_WORDS)
    return function
