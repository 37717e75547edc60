"""The files that a page, a style sheet and a manifest refer to, in whatever form they are written."""

from __future__ import annotations

import pytest

from runbook_checks.probes.web.linked_files import Reference, in_css, in_html, in_manifest, parsed_manifest
from tests.probes.conftest import taking

PAGE = "https://app.example.com/start/"
MEGABYTE = 1 << 20

# Markup, and what a browser fetches for it: path (or address) and kind.
REFERRED = {
    '<script src="a.js"></script>': [("/start/a.js", "script")],
    "<script type=module crossorigin src=/a.js></script>": [("/a.js", "script")],
    '<script type="application/ld+json" src="a.json"></script>': [],
    '<SCRIPT SRC="/a.js?x=1&amp;y=2"></SCRIPT>': [("/a.js?x=1&y=2", "script")],
    '<link rel="modulepreload" href="/v.js">': [("/v.js", "script")],
    "<link rel='STYLESHEET' href=a.css>": [("/start/a.css", "style")],
    '<link rel="alternate stylesheet" href="a.css">': [],
    '<link rel="shortcut icon" href="/f.ico"><link rel=apple-touch-icon href=/t.png>': [
        ("/f.ico", "image"),
        ("/t.png", "image"),
    ],
    "<link rel=manifest href=/m.webmanifest>": [("/m.webmanifest", "manifest")],
    '<link rel=preload as=font href="/f.woff2"><link rel=prefetch href="/next">': [
        ("/f.woff2", "font"),
        ("/next", "other"),
    ],
    '<link rel=preload as=image imagesrcset="/a.png 1x, /b.png 2x">': [("/a.png", "image"), ("/b.png", "image")],
    "<link rel=canonical href=/c><link rel=preconnect href=//d.example><a href=/e>": [],
    '<img src="i.png" srcset="a.png 480w, b.png 960w ,c.png">': [
        ("/start/i.png", "image"),
        ("/start/a.png", "image"),
        ("/start/b.png", "image"),
        ("/start/c.png", "image"),
    ],
    '<img srcset="data:image/png;base64,AA== 2x, /x,y.png 1x">': [("/x,y.png", "image")],
    "<img\nsrc\n=\n'a b.png'\nalt='a > b'>": [("/start/a b.png", "image")],
    '<video poster="/p.jpg" src="/v.mp4"></video>': [("/v.mp4", "other"), ("/p.jpg", "image")],
    '<svg><use href="/s.svg#x"/><image xlink:href="/i.png"/></svg>': [("/s.svg", "image"), ("/i.png", "image")],
    '<base href="/deep/er/"><img src="i.png">': [("/deep/er/i.png", "image")],
    '<base href="/one/"><base href="/two/"><img src="i.png">': [("/one/i.png", "image")],
    '<p style="background: url(/bg.png)">': [("/bg.png", "image")],
    '<style>@import "b.css"; a { background: url(p.png) }</style>': [
        ("/start/b.css", "style"),
        ("/start/p.png", "image"),
    ],
    '<img src="//cdn.example.com/x.png">': [("https://cdn.example.com/x.png", "image")],
    '<img src="/a.png"><img src="/a.png#again">': [("/a.png", "image")],
    '<img src="/a\n.png">': [("/a.png", "image")],
}
# Markup that looks like a reference but is not one.
NOT_REFERRED = [
    '<!-- <script src="/a.js"></script> -->',
    "<!--><!-- <img src=/a.png> -->",
    '<script>const a = "<img src=/a.png>";</script>',
    "<title><img src=/a.png></title>",
    "<textarea><img src=/a.png></textarea>",
    "<noscript><img src=/a.png></noscript>",
    "<template><img src=/a.png></template>",
    "<iframe><img src=/a.png></iframe>",
    '<img src=""><img src="#here"><img src="data:image/png;base64,AA==">',
    '<img src="javascript:alert(1)"><img src="mailto:a@example.com">',
    '<img src="https://[bad/x.png">',
    '<img src="/a.png',
    "<style>/* url(/a.png) */ a::after { content: 'url(/a.png)' }</style>",
    "<style>@namespace svg url(http://www.w3.org/2000/svg);</style>",
]


def listed(references: list[Reference]) -> list[tuple[str, str]]:
    return [(reference.url.removeprefix("https://app.example.com"), reference.kind) for reference in references]


@pytest.mark.parametrize("markup", REFERRED)
def test_references_of_a_page(markup: str) -> None:
    assert listed(in_html(f"<!doctype html><html><body>{markup}", PAGE)) == REFERRED[markup]


@pytest.mark.parametrize("markup", NOT_REFERRED)
def test_markup_without_references(markup: str) -> None:
    assert listed(in_html(f"<!doctype html><html><body>{markup}", PAGE)) == []


def test_a_page_for_browsers_without_scripts_is_another_page() -> None:
    page = (
        "<!doctype html><html><head><noscript><img src=/pixel.gif></noscript><link rel=stylesheet href=/a.css></head>"
    )
    assert listed(in_html(page, PAGE)) == [("/a.css", "style")]


def test_what_a_style_sheet_draws_in() -> None:
    sheet = r"""
        @import url("a.css") layer(base); @import 'b.css' screen;
        @font-face { src: url(f.woff2) format("woff2"), url('f.eot?#iefix') } p { background: URL( "p\20q.png" ) }
        q { mask: url(data:image/svg+xml;base64,AA==); cursor: url(c.cur), auto }
        @media print { @font-face { src: url(g.woff2) } r { background: image-set(url(r.png) 1x) } }
    """
    assert listed(in_css(sheet, "https://app.example.com/assets/x.css")) == [
        ("/assets/a.css", "style"),
        ("/assets/b.css", "style"),
        ("/assets/f.woff2", "font"),
        ("/assets/f.eot", "font"),
        ("/assets/p q.png", "image"),
        ("/assets/c.cur", "image"),
        ("/assets/g.woff2", "font"),
        ("/assets/r.png", "image"),
    ]


def test_pictures_of_a_manifest() -> None:
    manifest = {"icons": [{"src": "i.png"}, {"src": 5}, 7], "shortcuts": [{"icons": [{"src": "/s.png"}]}, None]}
    assert listed(in_manifest(manifest, "https://app.example.com/m.webmanifest")) == [
        ("/i.png", "image"),
        ("/s.png", "image"),
    ]
    assert in_manifest([], PAGE) == in_manifest(None, PAGE) == []
    assert parsed_manifest("{") is None
    assert parsed_manifest("[" * 100_000) is None


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<!--",
        "<a ",
        '<a x="',
        '<a x="1" ',
        "<title>",
        "</title ",
        "<script></scrip",
        "<style>url(",
        "<a =",
        "<a\f/",
        "&amp;",
        "<p>",
    ],
)
def test_hostile_page_is_read_in_time(piece: str) -> None:
    page = (piece * MEGABYTE)[:MEGABYTE]
    with taking(3):
        assert in_html(page, PAGE) == []
    with taking(3):
        assert in_html("<script src=/a.js></script>" + page, PAGE)[0].url == "https://app.example.com/a.js"


@pytest.mark.parametrize(
    "piece",
    [
        "/*",
        "*",
        "url(",
        "url( ",
        'url("',
        '"\\',
        "'\"",
        "@import ",
        '@import "',
        "@namespace ",
        "\\",
        "@font-face",
        "{",
        "a{b:(",
    ],
)
def test_a_hostile_style_sheet_is_read_in_time(piece: str) -> None:
    with taking(3):
        in_css((piece * MEGABYTE)[:MEGABYTE], PAGE)


def test_a_hostile_srcset_is_read_in_time() -> None:
    with taking(3):
        in_html(f'<img srcset="{"a, " * 200_000}"><img srcset="{"," * MEGABYTE}">', PAGE)
