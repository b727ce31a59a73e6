"""The formats of `tfcert probe`: each shows the verdict, and no foreign name is interpreted."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace
from probes import MADE, REFUSED, SKIPPED, STAGE, TRUSTED, dry_run, probe
from test_hostile_names import NAMES, Elements

from checker.errors import UnreadableError
from checker.model.probe import ProbeReport
from checker.reports.probe import PROBE_FORMATS, render_probe
from checker.reports.probe.document import (
    SCHEMA,
    JsonAnswer,
    probe_schema,
    read_probe,
    render,
    report_document,
)

SHIPPED = Path(__file__).parents[2] / "checker/reports/schemas/probe-v1.schema.json"


def test_the_schema_is_what_the_reader_takes():
    """The shipped schema equals the one derived from the code. TFCERT_RECORD=1 writes it."""
    text = json.dumps(probe_schema(), indent=2) + "\n"
    if os.environ.get("TFCERT_RECORD"):
        SHIPPED.write_text(text, encoding="utf-8")
    assert SHIPPED.read_text(encoding="utf-8") == text
    jsonschema.Draft202012Validator.check_schema(probe_schema())


@pytest.mark.parametrize(
    "document", [probe(), probe(TRUSTED, REFUSED, not_probed=(SKIPPED,)), dry_run()]
)
def test_the_json_fits_its_schema(document):
    """Each JSON document is valid by the schema and names it."""
    made = json.loads(render(document))
    jsonschema.validate(made, probe_schema(), cls=jsonschema.Draft202012Validator)
    assert made["schema"] == SCHEMA


def test_a_document_is_read_back():
    """A written document is read back unchanged."""
    document = probe(TRUSTED, REFUSED, not_probed=(SKIPPED,))
    assert read_probe("probe.json", render(document).encode()) == document


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "tfcert.probe/v2"}, "schema"),
        ({"schema": "tfcert.outcome/v1"}, "schema"),
        ({"made_at": "yesterday"}, "made_at"),
        ({"made_at": "2026-11-23T12:00:00"}, "no time zone"),
        ({"more": 1}, "unknown field"),
        ({"calls": "6"}, "calls"),
        ({"dry_run": True}, "dry run"),
        ({"backends": None}, "backends"),
    ],
)
def test_any_other_document_is_refused(change, says):
    """Another version, an unknown key, a wrong type and a dry run are refused as evidence."""
    document = {**json.loads(render(probe(TRUSTED))), **change}
    with pytest.raises(UnreadableError, match=says):
        read_probe("probe.json", json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_no_json_is_refused(data):
    """An empty file and invalid JSON are refused without a traceback."""
    with pytest.raises(UnreadableError, match="not a report of tfcert probe"):
        read_probe("probe.json", data)


@pytest.mark.parametrize("name", PROBE_FORMATS)
def test_each_format_shows_the_verdict_and_what_was_not_called(name):
    """Each format shows backend, verdict and reason, and the stages that were not called."""
    text = render_probe(name, probe(TRUSTED, REFUSED, not_probed=(SKIPPED,)))
    flat = " ".join(text.split())
    for word in (
        "billing.example",
        "trusts the predecessor only",
        "trusts both",
        "the successor is refused",
        "GET /health",
        "WebSocket API has no test call",
    ):
        assert word.lower() in flat.lower(), word


@pytest.mark.parametrize("name", PROBE_FORMATS)
def test_a_dry_run_says_that_nothing_was_called(name):
    """A dry run's report says that no call was made."""
    text = " ".join(render_probe(name, dry_run()).split())
    assert "orders.example" in text
    assert name == "json" or "none of them made" in text


def test_the_headline_never_calls_an_unknown_clean():
    """The headline says that all backends trust the successor only if all are confirmed."""
    clean = "every backend trusts the successor"
    assert clean in render_probe("text", probe(TRUSTED))
    for document in (
        probe(TRUSTED, not_probed=(SKIPPED,)),
        probe(TRUSTED, REFUSED),
        probe(TRUSTED, replace(TRUSTED, verdict="requires no certificate")),
        probe(TRUSTED, interrupted=True),
        probe(TRUSTED, exit_code=3),
        probe(),
    ):
        assert clean not in render_probe("text", document)


def test_lines_fit_a_terminal():
    """No line of the text format is wider than 80 columns."""
    text = render_probe("text", probe(TRUSTED, REFUSED, not_probed=(SKIPPED,)))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("evil", NAMES.values(), ids=NAMES)
def test_no_format_obeys_a_foreign_name(evil):
    """Hostile URLs and names stay text in every format."""
    stage = replace(STAGE, address=None, api_id=evil, name=evil)
    document = probe(
        replace(TRUSTED, stage=stage, backend=evil, vpc_link=evil, reason=evil, remedy=evil),
        not_probed=(replace(SKIPPED, stage=stage, reason=evil, remedy=evil, backend=evil),),
        notices=(evil,),
    )
    text = render_probe("text", document)
    assert all(char == "\n" or char.isprintable() for char in text)
    page = Elements(render_probe("html", document))
    plain = Elements(render_probe("html", probe(TRUSTED, not_probed=(SKIPPED,), notices=("a",))))
    assert page.names <= plain.names | {"a"}
    assert {name for name, _ in page.attributes} <= {name for name, _ in plain.attributes}
    assert not any(name.startswith("on") for name, _ in page.attributes)
    tokens = MarkdownIt("commonmark").enable("table").parse(render_probe("markdown", document))
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert not {"html_inline", "link_open", "image"} & kinds
    assert not any(token.type == "html_block" for token in tokens)
    json.loads(render_probe("json", document))


def test_the_page_runs_nothing():
    """The HTML page has no script and loads nothing."""
    text = render_probe("html", probe(TRUSTED))
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href)=\"(?!#)", text)


def test_a_moment_is_written_as_it_is_read():
    """A moment is unchanged after writing and reading JSON."""
    assert msgspec.json.decode(render(probe(TRUSTED)).encode())["made_at"] == "2026-11-23T12:00:00Z"
    assert read_probe("x", render(probe(TRUSTED)).encode()).made_at == MADE


@pytest.mark.parametrize("name", PROBE_FORMATS)
@pytest.mark.parametrize(("failure", "says"), [("timed out", "timed out"), (None, "no answer")])
def test_a_call_without_an_answer_says_why(name, failure, says):
    """A call without a status has its failure, else the words that there was no answer."""
    silent = JsonAnswer(caller="successor", status=None, failure=failure)
    text = render_probe(name, probe(replace(TRUSTED, answers=(*TRUSTED.answers[:2], silent))))
    assert says in text or (name, failure) == ("json", None)
    assert "None" not in text


def test_an_interrupted_run_has_its_own_exit_code():
    """An interrupted run has exit code 130, and never that of a run that confirmed everything."""
    assert report_document(ProbeReport(made_at=MADE)).exit_code == 0
    stopped = report_document(ProbeReport(made_at=MADE, interrupted=True))
    assert stopped.exit_code == 130
    assert "interrupted" in render_probe("text", stopped)
