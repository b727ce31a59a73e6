"""Fixtures for one emulator of each test module, emptied before each test."""

from __future__ import annotations

import pytest


@pytest.fixture
def gateway(aws):
    return aws.client("apigateway")
