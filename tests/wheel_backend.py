"""A build backend in a project's own folder, so that pip builds its wheel without a network."""

from __future__ import annotations

SETTINGS = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def backend(name, module):
    """The text of ``backend.py``, which builds a wheel with one module."""
    return f"""
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(os.path.join(folder, "{name}-1.0-py3-none-any.whl"), "w") as file:
        file.writestr("{name}.py", "{module}")
        file.writestr("{name}-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        file.writestr("{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr("{name}-1.0.dist-info/RECORD", "")
    return "{name}-1.0-py3-none-any.whl"
"""
