"""Errors and warnings that a browser writes to its console while it shows pages.

They report violations of the content security policy, scripts that fail, and files that do not exist.
"""

from playwright.sync_api import BrowserContext, ConsoleMessage, WebError


class Complaints:
    """Collects the errors and warnings of a browser in `heard`."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._hear)
        context.on("weberror", self._hear_script)

    def take(self) -> list[str]:
        """Return what was heard since the last call, and forget it."""
        heard, self.heard = self.heard, []
        return heard

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _is_error_status_of_page(message):
            self.heard.append(f"{message.text} at {message.location}")

    def _hear_script(self, error: WebError) -> None:
        self.heard.append(str(error.error))


def _is_error_status_of_page(message: ConsoleMessage) -> bool:
    """Return whether the message only reports the status of an error page, which `visit` checks."""
    own = message.page is not None and message.location["url"] == message.page.url
    return own and message.text.startswith("Failed to load resource")
