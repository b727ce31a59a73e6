"""The terraform or tofu that is asked for a directory's state, and for what a binary plan holds."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from checker.domain.errors import UsageError
from checker.domain.value import value
from checker.readers.programs import find_program

_KNOWN = ("terraform", "tofu")
# What terraform and its backends read, by exact name and by prefix. Sources: Terraform, "Environment variables" and the pages of
# the backends s3, azurerm, gcs, http, pg, consul, kubernetes, oss, cos, oci and remote; OpenTofu, "State encryption".
_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TMP", "TEMP", "TERM", "TZ", "LANG", "LANGUAGE", "LD_LIBRARY_PATH"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "KUBECONFIG", "NIX_SSL_CERT_FILE", "CLOUDSDK_CONFIG", "GOENV"),
        *(
            "ASDF_DIR",
            "ASDF_DATA_DIR",
            "MISE_DATA_DIR",
            "TFENV_CONFIG_DIR",
            "TFENV_TERRAFORM_VERSION",
            "TENV_ROOT",
            "TOFUENV_CONFIG_DIR",
        ),
    }
)
_PREFIXES = (
    *("TF_", "LC_", "XDG_", "AWS_", "ARM_", "AZURE_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_AUTH_", "ALICLOUD_", "ALIBABA_CLOUD_"),
    *("TENCENTCLOUD_", "OCI_", "KUBE_", "PG", "CONSUL_"),
)
# Of those, what is meant for other commands or holds what a state is not read with.
_WITHHELD = re.compile(r"TF_VAR_.*|TF_LOG.*|TF_REATTACH_PROVIDERS|.*(?:GITHUB|GITLAB|BITBUCKET|ACTIONS_).*", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CHOICE = "TFCERT_TOOL"


@value
class Wanted:
    """Which tool is asked for, which variables it is given beside those of the list, and whether it may contact a backend."""

    name: str | None = None
    passed: tuple[str, ...] = ()
    offline: bool = False


@value
class Tool:
    """A terraform or tofu: its file, how messages call it, and the environment that it runs in, which may hold secrets."""

    path: str
    name: str
    environment: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Tool(path={self.path!r})"  # never the environment


def find_tool(name: str | None, environment: Mapping[str, str], passed: Collection[str] = ()) -> Tool | None:
    """The tool of that name or path, else of TFCERT_TOOL, else the terraform or the tofu that is on PATH.

    It is given the variables of a documented list and those that are `passed` by name. None where none was asked for and none is
    there. Raises UsageError for one that was asked for and is not there, and for a name that no variable has.
    """
    for each in passed:
        if not _VARIABLE.fullmatch(each):
            raise UsageError(
                f"{each!r} is no name of a variable", where="--tool-env", remedy="give the name alone: --tool-env NAME"
            )
    asked = name or environment.get(_CHOICE)
    for candidate in (asked,) if asked else _KNOWN:
        found = find_program(candidate, environment)
        if found:
            return Tool(path=found, name=Path(found).name, environment=_given(environment, passed))
    if asked:
        raise UsageError(
            f"{asked} is not a program that can be run",
            where="--tool" if name else _CHOICE,
            remedy="name terraform or tofu, or the path of one",
        )
    return None


def _given(environment: Mapping[str, str], passed: Collection[str]) -> Mapping[str, str]:
    """The part of the environment that the tool is given: it runs what a checkout configures, so it gets no token of a pipeline."""
    return {
        name: text
        for name, text in environment.items()
        if name in passed or ((name in _NAMES or name.startswith(_PREFIXES)) and not _WITHHELD.fullmatch(name))
    }
