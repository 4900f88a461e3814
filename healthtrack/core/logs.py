"""What the log says: a line of JSON for each event, and no values in it, for these may be patients'."""

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")

# Their messages are written for a log, and what they are filled with is left out.
PLAIN_SPEAKERS = ("healthtrack", "gunicorn")


class DiscreetFormatter(logging.Formatter):
    """Says where a fault came up and of which kind it is, and in which request.

    It leaves out the address of a request, what fills a message, and the words of an exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        match = getattr(getattr(record, "request", None), "resolver_match", None)
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "place": getattr(match, "view_name", "") or record.module,
        }
        if reference := request_id.get():
            line["request"] = reference
        if record.name.partition(".")[0] in PLAIN_SPEAKERS:
            line["message"] = str(record.msg)
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[0]:
            kind, _, trace = record.exc_info
            line["fault"] = f"{kind.__module__}.{kind.__qualname__}"
            line["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
        return json.dumps(line)
