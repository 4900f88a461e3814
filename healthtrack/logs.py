import logging
import traceback
from types import TracebackType


class DiscreetFormatter(logging.Formatter):
    """Says where a fault came up and of which kind it is, but no values: these may be patients'.

    So it leaves out the address of a request, the arguments of a message, and the words of an exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        match = getattr(getattr(record, "request", None), "resolver_match", None)
        place = getattr(match, "view_name", "") or record.module
        lines = [f"{self.formatTime(record)} {record.levelname} {record.name}: {place}"]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return "\n".join(lines)

    def formatException(  # noqa: N802 (the base's name)
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        kind, _, trace = ei
        name = f"{kind.__module__}.{kind.__qualname__}" if kind else "no exception"
        return "".join([*traceback.format_tb(trace), name])
