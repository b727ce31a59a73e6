"""Find the tokens of forges that are set, and their kind; their values are never shown.

Sources of the prefixes: GitHub, "About authentication to GitHub", "GitHub's token formats"; GitLab,
"Token overview", "Token prefixes"; Atlassian, "Using access tokens" and "API tokens".
"""

from __future__ import annotations

from collections.abc import Mapping

from checker.cli.first_steps.doctor_line import DoctorLine, Health

_ABOUT = "forge token"
# By the variable that `tfcert comment` reads. A prefix of the token tells its kind.
_KINDS: Mapping[str, Mapping[str, str]] = {
    "GITHUB_TOKEN": {
        "ghs_": "an installation token, as GitHub Actions gives it to a job",
        "github_pat_": "a fine-grained personal token",
        "ghp_": "a classic personal token",
        "gho_": "a token of an OAuth app",
        "ghu_": "a token of a GitHub App for a user",
    },
    "GITLAB_TOKEN": {
        "glpat-": "an access token of a project, a group or a person",
        "glcbt-": "a job token",
        "gldt-": "a deploy token",
    },
    "SYSTEM_ACCESSTOKEN": {"eyJ": "a job's token"},
    "BITBUCKET_TOKEN": {
        "ATCTT3": "an access token of a repository, a project or a workspace",
        "ATATT3": "an API token of a person, which needs BITBUCKET_EMAIL too",
    },
}
# GitLab, "CI/CD job token": it cannot write comments of merge requests. Deploy tokens cannot
# either: they read packages, images and repositories.
_CANNOT_COMMENT = ("glcbt-", "gldt-")


def token_line(environment: Mapping[str, str]) -> DoctorLine:
    """Return the line about the tokens that `tfcert comment` would use; `check` needs none."""
    found = {name: environment[name] for name in _KINDS if environment.get(name)}
    if not found:
        return DoctorLine(
            about=_ABOUT,
            health=Health.NOTE,
            text="none is set; only `comment` and `propose` need one",
        )
    shown = "; ".join(f"{name} is set: {_kind(name, token)}" for name, token in found.items())
    useless = [name for name, token in found.items() if token.startswith(_CANNOT_COMMENT)]
    return DoctorLine(
        about=_ABOUT,
        health=Health.NOTE if useless else Health.OK,
        text=f"{shown} (not asked whether it may write comments)",
        remedy="a token of this kind cannot comment: use a project's access token "
        "with the scope `api`"
        if useless
        else "",
    )


def _kind(name: str, token: str) -> str:
    return next(
        (kind for prefix, kind in _KINDS[name].items() if token.startswith(prefix)),
        "of a kind that its beginning does not tell",
    )
