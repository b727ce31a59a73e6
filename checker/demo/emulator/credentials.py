"""Connect a caller to the emulator only: by environment variables, or by a client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from checker.demo.emulator.seeds import ACCOUNT

KEY = "test"
NO_FILE = os.devnull

_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def environment(endpoint: str, base: Mapping[str, str], *, region: str) -> dict[str, str]:
    """Return an environment that leads to the emulator.

    Variables that lead to another AWS are removed.
    """
    kept = {name: value for name, value in base.items() if not _misleads(name)}
    return kept | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": NO_FILE,
        "AWS_SHARED_CREDENTIALS_FILE": NO_FILE,
        "NO_PROXY": "127.0.0.1",
    }


def client(endpoint: str, service: str, *, region: str, account: str, **config: Any) -> Any:
    """Return a boto3 client with test credentials that reads neither environment nor files."""
    secrets = {"aws_access_key_id": KEY, "aws_secret_access_key": KEY}
    if account != ACCOUNT:
        role = f"arn:aws:iam::{account}:role/tests"
        answer = _client(endpoint, "sts", region, secrets, {}).assume_role(
            RoleArn=role, RoleSessionName="tests"
        )
        secrets = {
            "aws_access_key_id": answer["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": answer["Credentials"]["SecretAccessKey"],
            "aws_session_token": answer["Credentials"]["SessionToken"],
        }
    return _client(endpoint, service, region, secrets, config)


def _client(
    endpoint: str, service: str, region: str, secrets: Mapping[str, Any], config: Mapping[str, Any]
) -> Any:
    from botocore.config import Config
    from botocore.session import Session

    # A profile or a file in the environment is for another AWS, and may not exist.
    unread = dict.fromkeys(
        ("profile", "config_file", "credentials_file", "ca_bundle"), (None, None, None, None)
    )
    session = Session(session_vars=unread)
    session.register_component("data_loader", _models())
    settings: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},
        "connect_timeout": 5,
        "read_timeout": 30,
        "proxies": {},
    }
    return session.create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        config=Config(**(settings | dict(config))),
        **secrets,
    )


@cache
def _models() -> Any:
    """Return AWS's API models; otherwise each session would read them from disk."""
    from botocore.loaders import create_loader

    return create_loader()


def _misleads(name: str) -> bool:
    return name.startswith(("AWS_", "TF_CLI_ARGS")) or name.lower() in _PROXIES
