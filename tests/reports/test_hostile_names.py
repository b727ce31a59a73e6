"""Names, tags, descriptions and paths of Terraform, AWS, policies and file systems, in every format: never more than text."""

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
    """Every string in a JSON document, keys included."""
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
    """No line moves the cursor, or is a command for CI; with colours there are our own codes alone."""
    assert all(line.isprintable() for line in text.split("\n"))
    assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)


def read_json(text, name):
    """Valid, with the name in it as it is; a terminal that shows the document is safe too."""
    document = json.loads(text)
    jsonschema.validate(document, OUTCOME, cls=jsonschema.Draft202012Validator)
    assert all(line.isprintable() for line in text.split("\n"))
    assert document["notices"] == [name.encode("utf-8", "replace").decode()]


def read_sarif(text, _):
    """Valid; what is shown as text holds nothing that a viewer would take for a link, a placeholder or a control."""
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
    """Valid by the XSD, and no element but JUnit's."""
    XSD.validate(text)
    report = JUnitXml.fromstring(text.encode())
    assert report.tests > 3
    assert all(line.isprintable() for line in text.split("\n"))


def read_github(text, _):
    """One command a line, each ours, with a file that stays in the repository."""
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
    """JSON whose texts show nothing that is no plain print, and paths that stay in the repository."""
    issues = json.loads(text)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) > 2
    assert all(entry.isprintable() for entry in strings(issues))
    assert all(
        issue["location"]["path"] and not issue["location"]["path"].startswith(("/", ".."))
        for issue in issues
    )


def read_openmetrics(text, _):
    """The strict parser reads it, and no metric and no label but ours."""
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
    """A renderer with raw HTML allowed makes no element of a name: no link, no image, no heading, no tag."""
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
    """The elements of a page and their attributes."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes = set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes += attrs


def read_html(text, name):
    """The page of a harmless name has the same elements and attributes; none of them is an event or leads anywhere else."""
    page = Elements(text)
    plain = Elements(FORMATS["html"].render(hostile("harmless")))
    assert page.names <= plain.names
    strange = {attribute for attribute, _ in page.attributes} - {
        attribute for attribute, _ in plain.attributes
    }
    # A patch that cannot be shown as it is has a mark of its own.
    assert not [attribute for attribute in strange if not attribute.startswith("data-")]
    assert not [attribute for attribute, _ in page.attributes if attribute.startswith("on")]
    leads = [
        to for attribute, to in page.attributes if attribute in ("href", "src", "action") and to
    ]
    assert not [to for to in leads if not to.startswith(("#", "data:image/svg+xml,"))]
    assert text.count("<script") == FORMATS["html"].render(hostile("harmless")).count("<script")


def read_azure(text, _):
    """One command a line, an issue of ours, or a plain line that is no command."""
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
    """Valid for botocore, with texts that show nothing that is no plain print."""
    assert all(entry.isprintable() for entry in strings(validate_asff(text)))


def read_cyclonedx(text, _):
    """Valid for the strict validator, with texts that show nothing that is no plain print."""
    assert STRICT.validate_str(text) is None
    assert all(entry.isprintable() for entry in strings(json.loads(text)))


def read_ics(text, _):
    """Our events alone, of our properties alone; a name is text in them."""
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
    "sarif": read_sarif,
    "junit": read_junit,
    "github": read_github,
    "gitlab": read_gitlab,
    "openmetrics": read_openmetrics,
    "markdown": read_markdown,
    "html": read_html,
}


def test_every_format_is_read():
    """A format that is added is read here too."""
    assert set(FORMATS) <= set(READ)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_name_is_never_more_than_text(format_name, name):
    """Whatever it holds: for the format's own reader it makes no structure, and for a terminal or CI no command."""
    text = FORMATS[format_name].render(hostile(name))
    text.encode()
    READ[format_name](text, name)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_colours_are_ours_alone(name):
    """On a terminal the only escape sequences are those that set a colour, and the words are the plain ones."""
    outcome = hostile(name)
    shown = "\n".join(coloured(lay_out(outcome, 80)))
    without = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "".join(without.split()) == "".join(FORMATS["text"].render(outcome).split())
