"""Hostile names from Terraform, AWS, policies and file systems stay text in every format."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
import xmlschema
from icalendar import Calendar
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from outcomes import hostile
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from test_asff import validate as validate_asff
from test_cyclonedx import STRICT

from checker.reports import FORMATS
from checker.reports.text import lay_out
from checker.reports.text.coloured import coloured

PUBLISHED = Path(__file__).parent / "published"
SARIF = json.loads((PUBLISHED / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
OUTCOME = json.loads(
    (Path(__file__).parents[2] / "checker/reports/schemas/outcome-v1.schema.json").read_text(
        encoding="utf-8"
    )
)
LINES = json.loads(
    (Path(__file__).parents[2] / "checker/reports/schemas/lines-v1.schema.json").read_text(
        encoding="utf-8"
    )
)
XSD = xmlschema.XMLSchema(PUBLISHED / "junit-10.xsd")

NAMES = {
    "tag": '"><img src=evil onerror=evil()>',
    "attribute": "' onmouseover='evil()",
    "script": "</script><script>evil()</script>",
    "comment": "--><evil>",
    "fold": "</code></summary></details><h1>evil</h1>",
    "cdata": "]]><evil/>",
    "entity": "&lt;evil&gt; &#x3c;evil&#x3e;",
    "screen": "\x1b[2J\x1b]0;evil\x07",
    "c1": "\x9b31mevil\x9d0;evil\x9c",
    "link of a terminal": "\x1b]8;;http://evil.example\x1b\\evil\x1b]8;;\x1b\\",
    "right to left": "\u202elive\u202c\u2066evil",
    "invisible": "e\u200bv\u00adi\ufeffl",
    "line separators": "a\u2028evil\u2029evil\x85evil\x0bevil\x0cevil",
    "return": "harmless\r::error::evil",
    "command": "a\n::add-mask::evil\n",
    "command in words": "a ::set-output name=evil::evil",
    "old command": "##[add-mask]evil",
    "azure": "##vso[task.setvariable variable=evil]evil",
    "escaped command": "%0A::error::evil",
    "link": "[evil](javascript:evil())",
    "image": "![evil](http://evil.example/x.png)",
    "page": "http://evil.example/evil?x=1",
    "autolink": "<http://evil.example>",
    "code": "`evil` ``` evil",
    "fence": "```\n# evil\n~~~\n# evil",
    "table": "| evil | evil |\n|---|---|\n| evil | evil |",
    "heading": "\n\n# evil\n",
    "mention": "@evil #1 evil/evil#1 GH-1",
    "math": "$\\evil$ $$evil$$ $`evil`$",
    "emphasis": "*evil* _evil_ ~~evil~~",
    "formula": "=evil()",
    "formulae": "+evil\n-evil\n@evil\n\t=evil()",
    "metric": '",evil="x"} 1\nevil{a="b"} 1\n# EOF\n# TYPE evil gauge',
    "backslash": "\\",
    "backslash and quote": '\\"evil',
    "template": "{{evil}} {% evil %} ${evil} %{evil} {0} <%= evil %>",
    "half a character": "\ud800evil",
    "nothing": "\x00evil\ufffe\uffff",
    "empty": "",
    "blank": "  ",
    "long": "evil" * 2000,
    "scheme": "javascript://evil/%0aevil()",
    "upwards": "../../../evil",
    "absolute": "/evil/../../evil",
    "wide": "悪" * 90,
}


def strings(part):
    """Yield each string in a JSON document, keys included."""
    match part:
        case dict():
            for key, entry in part.items():
                yield key
                yield from strings(entry)
        case list():
            for entry in part:
                yield from strings(entry)
        case str():
            yield part


def read_text(text, _):
    """Check that no line moves the cursor or is a CI command."""
    assert all(line.isprintable() for line in text.split("\n"))
    assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)


def read_json(text, name):
    """Check that the JSON is valid, has the name unchanged, and is safe on a terminal."""
    document = json.loads(text)
    jsonschema.validate(document, OUTCOME, cls=jsonschema.Draft202012Validator)
    assert all(line.isprintable() for line in text.split("\n"))
    assert document["notices"] == [name.encode("utf-8", "replace").decode()]


def read_jsonl(text, name):
    """Check that each line is valid and safe on a terminal, and that one has the name unchanged."""
    lines = [json.loads(line) for line in text.removesuffix("\n").split("\n")]
    for line in lines:
        jsonschema.validate(line, LINES, cls=jsonschema.Draft202012Validator)
    assert all(line.isprintable() for line in text.split("\n"))
    notice = name.encode("utf-8", "replace").decode()
    assert [line["text"] for line in lines if line["type"] == "notice"] == [notice]
    assert lines[-1]["lines"] == len(lines)


def read_sarif(text, _):
    """Check that the SARIF is valid and shows no link, placeholder or control character."""
    log = json.loads(text)
    jsonschema.validate(
        log,
        SARIF,
        cls=jsonschema.Draft4Validator,
        format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
    )
    (run,) = log["runs"]
    shown = [result["message"]["text"] for result in run["results"]]
    shown += [
        entry["message"]["text"] for entry in run["invocations"][0]["toolExecutionNotifications"]
    ]
    for message in shown:
        assert message.isprintable()
        assert not re.search(r"\]\(|(?<!\{)(?:\{\{)*\{(?!\{)", message)
    uris = [entry["location"]["uri"] for entry in run["artifacts"]]
    assert all(
        re.fullmatch(r"[\w.~%/-]+", uri) and not uri.startswith(("/", "..")) and "/../" not in uri
        for uri in uris
    )
    assert all(line.isprintable() for line in text.split("\n"))


def read_junit(text, _):
    """Check that the XML is valid by the XSD and has only JUnit's elements."""
    XSD.validate(text)
    report = JUnitXml.fromstring(text.encode())
    assert report.tests > 3
    assert all(line.isprintable() for line in text.split("\n"))


def read_github(text, _):
    """Check that each line is one command of tfcert, with a file inside the repository."""
    lines = text.splitlines()
    assert lines
    assert text == "".join(f"{line}\n" for line in lines)
    for line in lines:
        found = re.fullmatch(
            r"::(?:error|warning|notice) (?:file=([^,:]+),line=\d+,)?title=[^,:]*::.*", line
        )
        assert found, line
        assert not (found[1] or "").startswith(("/", "../"))
        assert line.isprintable()


def read_gitlab(text, _):
    """Check that the JSON has only printable texts, and paths inside the repository."""
    issues = json.loads(text)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) > 2
    assert all(entry.isprintable() for entry in strings(issues))
    assert all(
        issue["location"]["path"] and not issue["location"]["path"].startswith(("/", ".."))
        for issue in issues
    )


def read_openmetrics(text, _):
    """Check that the strict parser reads the text, with only tfcert's metrics and labels."""
    families = list(text_string_to_metric_families(text))
    assert all(family.name.startswith("tfcert_") for family in families)
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    assert labels == {
        "source",
        "address",
        "certificate_id",
        "account",
        "region",
        "verdict",
        "rule",
        "severity",
    }
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.count("# EOF\n") == 1


def read_markdown(text, _):
    """Check that a Markdown renderer makes no link, image, heading or tag of a name."""
    tokens = (
        MarkdownIt("commonmark", {"html": True, "linkify": False})
        .enable(["table", "strikethrough"])
        .parse(text)
    )
    flat = [each for token in tokens for each in (token, *(token.children or ()))]
    assert not {"link_open", "image", "em_open", "strong_open", "s_open"} & {
        token.type for token in flat if "evil" in token.content
    }
    headings = [
        flat[at + 1].content for at, token in enumerate(flat) if token.type == "heading_open"
    ]
    assert not [heading for heading in headings if "evil" in heading]
    for token in flat:
        if token.type in ("html_block", "html_inline"):
            assert set(re.findall(r"<\s*/?\s*([A-Za-z!][\w-]*)", token.content)) <= {
                "details",
                "summary",
                "code",
            }
            assert " on" not in re.sub(
                r"<code>.*?</code>", "", token.content, flags=re.DOTALL
            ).replace(" one ", " ")
        if token.type == "text":
            assert not re.search(r"https?://evil|@evil|\$\\?evil|#1\b", token.content)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


class Elements(HTMLParser):
    """The element names and attributes of a page."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes = set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes += attrs


def read_html(text, name):
    """Check that the page has the elements and attributes of a harmless one, without events or
    links.
    """
    page = Elements(text)
    plain = Elements(FORMATS["html"].render(hostile("harmless")))
    assert page.names <= plain.names
    strange = {attribute for attribute, _ in page.attributes} - {
        attribute for attribute, _ in plain.attributes
    }
    # A patch that cannot be shown unchanged has an attribute of its own.
    assert not [attribute for attribute in strange if not attribute.startswith("data-")]
    assert not [attribute for attribute, _ in page.attributes if attribute.startswith("on")]
    leads = [
        to for attribute, to in page.attributes if attribute in ("href", "src", "action") and to
    ]
    assert not [to for to in leads if not to.startswith(("#", "data:image/svg+xml,"))]
    assert text.count("<script") == FORMATS["html"].render(hostile("harmless")).count("<script")


def read_azure(text, _):
    """Check that each line is one command of tfcert or a plain line."""
    for line in text.splitlines():
        found = re.fullmatch(
            r"##vso\[task\.logissue type=(?:error|warning);sourcepath=([^;\]]+);linenumber=\d+;"
            r"code=[a-z-]+;\](.*)",
            line,
        )
        assert line.isprintable()
        assert found is None or not found[1].startswith(("/", "../"))
        assert not re.search(r"##\w*\[", found[2] if found else line)


def read_asff(text, _):
    """Check that the report is valid for botocore and has only printable texts."""
    assert all(entry.isprintable() for entry in strings(validate_asff(text)))


def read_cyclonedx(text, _):
    """Check that the document is valid for the strict validator and has only printable texts."""
    assert STRICT.validate_str(text) is None
    assert all(entry.isprintable() for entry in strings(json.loads(text)))


def read_ics(text, _):
    """Check that the calendar has only tfcert's events and properties."""
    calendar = Calendar.from_ical(text)
    assert {each.name for each in calendar.walk()} <= {"VCALENDAR", "VEVENT"}
    known = {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "TRANSP", "CATEGORIES"}
    assert all(set(each) == known for each in calendar.walk("VEVENT"))
    assert all(line.isprintable() for line in text.replace("\r\n", "\n").split("\n"))


READ = {
    "azure": read_azure,
    "asff": read_asff,
    "cyclonedx": read_cyclonedx,
    "ics": read_ics,
    "text": read_text,
    "json": read_json,
    "jsonl": read_jsonl,
    "sarif": read_sarif,
    "junit": read_junit,
    "github": read_github,
    "gitlab": read_gitlab,
    "openmetrics": read_openmetrics,
    "markdown": read_markdown,
    "html": read_html,
}


def test_every_format_is_read():
    """Each format has a reader here, also a new one."""
    assert set(FORMATS) <= set(READ)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_name_is_never_more_than_text(format_name, name):
    """A hostile name adds no structure for the format's own reader, and no command for a terminal
    or CI.
    """
    text = FORMATS[format_name].render(hostile(name))
    text.encode()
    READ[format_name](text, name)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_colours_are_ours_alone(name):
    """Coloured text has only tfcert's own escape sequences and the same words as plain text."""
    outcome = hostile(name)
    shown = "\n".join(coloured(lay_out(outcome, 80)))
    without = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "".join(without.split()) == "".join(FORMATS["text"].render(outcome).split())
