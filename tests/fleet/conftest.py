"""Fixtures: an environment without any cloud, and the AWS emulator."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_cloud(monkeypatch):
    for name in list(os.environ):
        if name.startswith(
            ("AWS_", "GOOGLE_", "AZURE_", "AZURITE_", "STORAGE_")
        ) or name.lower() in {
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "no_proxy",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def aws(aws, monkeypatch):
    """Return the emulator, to which all AWS calls go."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    return aws
