"""What a browser complains of on the pages that it shows: it writes that into its console.

So it does with whatever the content security policy forbids, a script that breaks, a file that is not there.
"""

from playwright.sync_api import BrowserContext, ConsoleMessage, WebError


class Complaints:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._hear)
        context.on("weberror", self._hear_script)

    def taken(self) -> list[str]:
        heard, self.heard = self.heard, []
        return heard

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _is_of_the_page_itself(message):
            self.heard.append(f"{message.text} at {message.location}")

    def _hear_script(self, error: WebError) -> None:
        self.heard.append(str(error.error))


def _is_of_the_page_itself(message: ConsoleMessage) -> bool:
    """Whether it only says that the page has an error's status, as error pages have; `visit` looks at that."""
    own = message.page is not None and message.location["url"] == message.page.url
    return own and message.text.startswith("Failed to load resource")
