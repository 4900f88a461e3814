"""Write the log: one line of JSON per event, without values, which may be patients' data."""

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")

# The messages of these loggers contain no data before they are formatted, so the unformatted message is logged.
TRUSTED_LOGGERS = ("healthtrack", "gunicorn")


class RedactingJsonFormatter(logging.Formatter):
    """Log where an error occurred, its type, and the request id.

    Leave out the address of the request, the arguments of the message, and the text of the exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        match = getattr(getattr(record, "request", None), "resolver_match", None)
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "place": getattr(match, "view_name", "") or record.module,
        }
        if current_id := request_id.get():
            line["request"] = current_id
        if record.name.partition(".")[0] in TRUSTED_LOGGERS:
            line["message"] = str(record.msg)
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            error_type, _, trace = record.exc_info
            line["error"] = f"{error_type.__module__}.{error_type.__qualname__}"
            line["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
        return json.dumps(line)
