"""Make the site from the pages as they are; the README is its first page.

A link in a page is relative to the repository, as forges show it. Here `docs/` becomes the root of
the site, and a file outside of it to which a page links becomes a part of the site too.
"""  # noqa: INP001 -- mkdocs loads it as a file

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File
from pymdownx.slugs import slugify

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
# A link or an image of Markdown, but no address of another host and no place in the same page.
_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_FIRST = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
# The menu. A name that ends with a slash means all pages of a folder. A page of docs/ that is in
# none of these sections is in the section "More".
_MENU = {
    "Start": ("index.md", "first-steps.md", "developer.md", "pipeline.md", "gates.md"),
    "Pull requests": ("bot.md", "propose.md"),
    "Accounts and fleets": ("scan.md", "fleet.md"),
    "Rotations": ("trust.md", "probe.md", "limits.md"),
    "Security": ("threat-model.md", "reach.md", "release.md", "SECURITY.md"),
    "Reference": ("policy.md", "formats.md", "html.md", "performance.md", "rules/"),
    "Project": ("architecture.md", "CONTRIBUTING.md", "CHANGELOG.md", "decisions/"),
    "Gates": ("gates/index.md",),
}
_LISTED = "index.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the menu, and anchors as forges make them of headings: pages link to those."""
    config["mdx_configs"].setdefault("toc", {})["slugify"] = slugify(case="lower")
    named = {name for names in _MENU.values() for name in names}
    others = sorted({path.name for path in (ROOT / "docs").glob("*.md")} - named)
    menu = {**_MENU, **({"More": others} if others else {})}
    config["nav"] = [
        {title: [entry for name in names for entry in _entries(name)]}
        for title, names in menu.items()
    ]
    return config


def _entries(name: str) -> Iterator[object]:
    if not name.endswith("/"):
        if name not in _FIRST or (ROOT / name).is_file():
            yield name
        return
    pages = sorted(path.name for path in (ROOT / "docs" / name).glob("*.md"))
    first = "README.md" if "README.md" in pages else _LISTED
    others = [each for each in pages if each != first]
    yield {name.strip("/").capitalize(): [f"{name}{each}" for each in (first, *others)]}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README, the other pages of the root folder, linked files, and lists of folders."""
    pages = [f"docs/{file.src_uri}" for file in files.documentation_pages()]
    pages += [name for name in _FIRST if (ROOT / name).is_file()]
    linked = {target for name in pages for target in _targets(name)}
    for name in sorted({*pages, *linked}):
        path, uri = ROOT / name, _site_path(name)
        if path.is_dir() and not (path / "README.md").is_file():
            listing = _listing(path, name)
            files.append(File.generated(config, f"{uri}/{_LISTED}", content=listing))
        elif path.is_file() and not name.startswith("docs/"):
            files.append(File.generated(config, uri, content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make each link relative to the page in the site, instead of in the repository."""
    del config, files
    here = page.file.src_uri
    folder = posixpath.dirname(_repository_path(here))

    def rewritten(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[2]))
        uri = _site_path(target)
        if (ROOT / target).is_dir():
            uri += "/README.md" if (ROOT / target / "README.md").is_file() else f"/{_LISTED}"
        return found[1] + posixpath.relpath(uri, posixpath.dirname(here) or ".")

    return _LINK.sub(rewritten, markdown)


def _site_path(name: str) -> str:
    """Return the path in the site of a file of the repository."""
    return "index.md" if name == "README.md" else name.removeprefix("docs/")


def _repository_path(uri: str) -> str:
    """Return the path in the repository of a page of the site."""
    if uri == "index.md":
        return "README.md"
    return uri if uri in _FIRST else f"docs/{uri}"


def _targets(name: str) -> Iterator[str]:
    """Yield the files and folders of the repository to which a page links."""
    for _, target in _LINK.findall((ROOT / name).read_text(encoding="utf-8")):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _listing(folder: Path, name: str) -> str:
    """Return a page with links to the files of a folder, each by its title or its name."""
    lines = [f"# {name.removeprefix('docs/').strip('/').capitalize()}", ""]
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            inside = path.relative_to(folder).as_posix()
            text = path.read_text(encoding="utf-8") if path.suffix == ".md" else ""
            found = _TITLE.search(text)
            lines.append(f"- [{found[1] if found else f'`{inside}`'}]({inside})")
    return "\n".join(lines) + "\n"


# The theme loads this from another host, so that search works for a site that is opened from disk.
_SHIM = re.compile(r"<script src=\"https://[^\"]*/iframe-worker/shim\"></script>")
# A browser starts no worker for a page that was opened from disk. Then the worker's script runs in
# a hidden frame, and its messages go to this page as those of a worker would.
_WORKER = """
if (location.protocol === "file:") window.Worker = class extends EventTarget {
  constructor(address) {
    super();
    const frame = document.createElement("iframe");
    frame.hidden = true;
    document.body.append(frame);
    this.inner = frame.contentWindow;
    this.waiting = [];
    this.inner.postMessage = (data) => this.tell("message", { data });
    const script = this.inner.document.createElement("script");
    script.src = new URL(address, document.baseURI);
    script.onload = () => {
      const sent = this.waiting;
      this.waiting = null;
      sent.forEach((data) => this.postMessage(data));
    };
    script.onerror = () => this.tell("error", {});
    this.inner.document.body.append(script);
  }
  tell(kind, more) {
    const event = new MessageEvent(kind, more);
    this.dispatchEvent(event);
    this["on" + kind]?.(event);
  }
  postMessage(data) {
    if (this.waiting) this.waiting.push(data);
    else this.inner.dispatchEvent(new this.inner.MessageEvent("message", { data }));
  }
  terminate() { this.inner.frameElement.remove(); }
};
"""


# The theme links its logo to a folder. From disk, a browser shows the list of its files instead.
_FOLDER = re.compile(r'(href="\.{1,2}(?:/\.\.)*)/?"')


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Put our own script in the place of the theme's one from another host, and mend its logo."""
    del page, config
    changed, count = _SHIM.subn(f"<script>{_WORKER}</script>", output)
    if count != 1:
        raise PluginError("the theme has another script for search now: see docs/site/hooks.py")
    return _FOLDER.sub(r'\1/index.html"', changed)
