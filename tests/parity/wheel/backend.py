"""Builds the wheel of this folder without a network."""

from __future__ import annotations

import zipfile
from pathlib import Path

NAME, INFO = "parity_wheel-1.0-py3-none-any.whl", "parity_wheel-1.0.dist-info"


def build_wheel(folder: str, config_settings: object = None, metadata_directory: object = None) -> str:
    """Write it there; gives its name."""
    texts = {
        "METADATA": "Metadata-Version: 2.1\nName: parity-wheel\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: backend\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": "[packages]\ncount = parity_wheel.count:main\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(Path(folder, NAME), "w") as file:
        for path in sorted(Path("src", "parity_wheel").glob("*.py")):
            file.write(path, path.relative_to("src"))
        for name, text in texts.items():
            file.writestr(f"{INFO}/{name}", text)
    return NAME
