"""Check azure-pipelines.yml, and the one of the docs for projects, against Azure Pipelines' own schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# The schema at hand knows only the coverage task's first version; the inputs that we use are in both.
KNOWN = {"PublishCodeCoverageResults@2": "PublishCodeCoverageResults@1"}

COMMAND = [
    *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.azure-pipelines"),
    *("--data-transform", "azure-pipelines", "--regex-variant", "python", "--force-filetype", "yaml", "-"),
]


def main() -> int:
    """Hand both to check-jsonschema; the exit code is that of the worse."""
    root = Path(__file__).parent.parent
    page = (root / "docs" / "azure-devops.md").read_text(encoding="utf-8")
    texts = ((root / "azure-pipelines.yml").read_text(encoding="utf-8"), page.split("```yaml\n")[1].split("```")[0])
    return max(map(_check, texts))


def _check(text: str) -> int:
    for task, known in KNOWN.items():
        text = text.replace(task, known)
    return subprocess.run(COMMAND, input=text, text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
