"""Marks for tests."""

from __future__ import annotations

import pytest


def on(*names: str) -> pytest.MarkDecorator:
    """Runs a test on these servers instead of on all, where what it shows does not depend on the server."""
    marks = {"moto": (), "seaweed": (pytest.mark.seaweed,), "minio": (pytest.mark.minio,)}
    return pytest.mark.parametrize("server", [pytest.param(name, marks=marks[name]) for name in names], indirect=True)
