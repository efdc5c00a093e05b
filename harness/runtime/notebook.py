"""``dbutils.notebook`` inside a notebook that is run whole."""

from __future__ import annotations

from typing import NoReturn

from harness.errors import WidgetValueError

EXIT_LIMIT = 5 << 20
"""How many bytes of an exit value come back: a workspace cuts it there too, without an error."""


class NotebookExit(BaseException):
    """Raised by ``dbutils.notebook.exit``; no ``except Exception`` of the notebook's keeps it from ending."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class NotebookPart:
    """``dbutils.notebook``: how a notebook ends with a value."""

    def exit(self, value: str) -> NoReturn:
        """End the notebook with a text as its value, of which the first 5 MB are kept, as on Databricks.

        Raises:
            WidgetValueError: The value is no text.
            NotebookExit: Always else.
        """
        if not isinstance(value, str):
            raise WidgetValueError(
                "the value given to dbutils.notebook.exit is not a text",
                cause=f"it is {value!r}, of type {type(value).__name__}; Databricks takes texts only",
                mend="give str(…), or json.dumps(…), which the test reads by run.exit_json()",
            )
        if len(value) > EXIT_LIMIT // 4:  # what is shorter fits in any case
            value = value.encode(errors="surrogatepass")[:EXIT_LIMIT].decode(errors="ignore")
        raise NotebookExit(value)
