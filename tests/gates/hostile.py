"""A hostile checkout with modules that Python, pip and tfcert import; each leaves a mark if it
runs.
"""

from __future__ import annotations

MODULES = (
    "secrets",
    "json",
    "venv",
    "pip",
    "sitecustomize",
    "usercustomize",
    "typer",
    "checker",
    "msgspec",
    "re",
    "ssl",
    "site",
)
TOOLS = ("terraform", "tofu", "git", "python3", "tfcert")


def plant(folder, marks):
    """Write the modules and tools into a folder; `marks` is the folder for their marks."""
    marks.mkdir(exist_ok=True)
    for name in MODULES:
        code = f"import os\nos.close(os.open({str(marks / name)!r}, os.O_CREAT | os.O_WRONLY))\n"
        if name in {"checker", "pip", "venv"}:
            (folder / name).mkdir(exist_ok=True)
            for part in ("__init__.py", "__main__.py"):
                (folder / name / part).write_text(code)
        else:
            (folder / f"{name}.py").write_text(code)
    for name in TOOLS:
        (folder / name).write_text(f"#!/bin/sh\ntouch '{marks / name}'\n")
        (folder / name).chmod(0o755)
    (folder / "evil.pth").write_text(f"import os; os.mkdir({str(marks / 'pth')!r})\n")
    (folder / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/\n")


def plant_configuration(folder, marks):
    """Write a policy that passes everything and a backend that starts a program.

    Source: Terraform, "Backend type: s3": shared_config_files; AWS SDKs and Tools, "Process
    credential provider".
    """
    (folder / "tfcert.toml").write_text(
        '[rules]\ncertificate-expiring = "off"\n[[scope]]\naddress = "*"\nthreshold_days = 0\nnotice_days = 0\n'
    )
    (folder / "backend.tf").write_text(
        'terraform {\n  backend "s3" {\n    bucket              = "x"\n    key                 = "x"\n'
        '    region              = "us-east-1"\n    shared_config_files = ["./aws.ini"]\n    profile             = "evil"\n  }\n}\n'
    )
    (folder / "aws.ini").write_text(
        f"[profile evil]\ncredential_process = /usr/bin/touch {marks / 'backend'}\n"
    )


def ran(marks):
    """Return the names of the checkout's files that ran."""
    return sorted(path.name for path in marks.iterdir())
