"""The built front end, in the shape of a Vite build: hashed assets, preloads, a manifest."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from pathlib import Path

LICENSE = "/*! Aura Flow: made from many packages, each with its own licence. " + "-" * 6000 + " */\n"
VENDOR = "export const h = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });\n"
ENTRY = """import {{ h }} from "./{vendor}";
const root = document.getElementById("root");
root.append(h("h1", "Aura Flow"));
const chart = new Image();
chart.width = 64;
chart.src = "/{chart}";
root.append(chart);
fetch("/api/plans").then((answer) => answer.json()).then(({{ plans }}) => {{
  for (const plan of plans) root.append(h("p", plan.title));
}});
"""
STYLE = """@font-face {{ font-family: Aura; src: url("./{font}") format("woff2"); }}
body {{ margin: 0; font-family: sans-serif; color: #123; }}
h1 {{ background: url(./{logo}) no-repeat; padding-left: 40px; }}
"""
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="{r}"/><!--{more}--></svg>\n'
)
PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="UTF-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1.0" />
    <title>Aura Flow</title>
    <link rel="icon" type="image/svg+xml" href="/favicon.svg" />
    <link rel="apple-touch-icon" href="/apple-touch-icon.png" />
    <link rel="manifest" href="/manifest.webmanifest" />
    <script type="module" crossorigin src="/{entry}"></script>
    <link rel="modulepreload" crossorigin href="/{vendor}">
    <link rel="stylesheet" crossorigin href="/{style}">
  </head>
  <body>
    <div id="root"></div>
    <img src="/{hero}" srcset="/{hero} 480w, /{hero_large} 960w" sizes="100vw" alt="A calm sea" width="480">
  </body>
</html>
"""


class Site:
    """The folder that nginx serves, and the names of its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, str] = {}

    def build(self) -> None:
        self._asset("vendor", "js", VENDOR)
        self._asset("logo", "svg", SVG.format(r=12, more=""))
        self._asset("chart", "svg", SVG.format(r=9, more="." * 6000))
        self._asset("font", "woff2", b"wOF2" + bytes(124))
        self._asset("hero", "png", png(48, 12))
        self._asset("hero_large", "png", png(96, 24))
        names = {name: Path(path).name for name, path in self.names.items()}
        self._asset("entry", "js", LICENSE + ENTRY.format(**names | {"chart": self.names["chart"]}))
        self._asset("style", "css", LICENSE + STYLE.format(**names))
        self._write("favicon.svg", SVG.format(r=14, more=""))
        self._write("apple-touch-icon.png", png(18, 18))
        self._write("icon-192.png", png(19, 19))
        self._write("manifest.webmanifest", json.dumps(_manifest()))
        self._write("index.html", PAGE.format(**self.names))

    def path(self, name: str) -> Path:
        """Return a file by its name above, or by its path."""
        return self.folder / self.names.get(name, name)

    def _asset(self, name: str, ending: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        digest = hashlib.sha256(data).hexdigest()[:8]
        self.names[name] = f"assets/{name.replace('_', '-')}-{digest}.{ending}"
        self._write(self.names[name], data)

    def _write(self, path: str, content: str | bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)


def _manifest() -> dict[str, object]:
    icons = [{"src": "icon-192.png", "sizes": "192x192", "type": "image/png"}]
    return {"name": "Aura Flow", "start_url": "/", "display": "standalone", "icons": icons}


def png(width: int, height: int) -> bytes:
    """Return a picture in one colour (PNG, 8 bits a channel)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((64, 128, 192)) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
