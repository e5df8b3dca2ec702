"""The vendored files do their work in a real browser, with nothing from outside."""

import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.browser.conftest import OpenPage

ASSETS = Path(__file__).resolve().parents[2] / "gateway" / "api" / "assets" / "swagger-ui"
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "Rendered", "version": "1"},
    "paths": {
        "/v1/lines": {
            "get": {
                "summary": "List the lines",
                "responses": {
                    "200": {
                        "description": "A page",
                        "content": {
                            "application/json": {"schema": {"type": ["string", "null"]}},
                        },
                    }
                },
            }
        }
    },
}
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="swagger-ui.css">
<div id="ui"></div><script src="swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "openapi.json", dom_id: "#ui", validatorUrl: null})</script>"""


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    for file in ASSETS.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "openapi.json").write_text(json.dumps(OPENAPI))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=tmp_path))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_swagger_ui_renders_openapi_3_1_without_the_outside(
    origin: str, open_page: OpenPage
) -> None:
    visit = await open_page(f"{origin}/index.html")
    await visit.page.wait_for_selector(".opblock-summary")
    assert "List the lines" in await visit.page.inner_text("#ui")
    assert "OAS 3.1" in await visit.page.inner_text("#ui")
    assert visit.outside(origin) == []
    assert visit.failed_requests == []
    assert visit.console_errors == []


async def test_a_visit_shows_what_a_page_wanted_from_outside(
    origin: str, open_page: OpenPage, tmp_path: Path
) -> None:
    page = '<link rel="icon" href="data:,"><script>console.error("loud")</script>'
    (tmp_path / "index.html").write_text(f'{page}<img src="http://127.0.0.1:1/pixel.png">')
    visit = await open_page(f"{origin}/index.html")
    assert visit.outside(origin) == ["http://127.0.0.1:1/pixel.png"]
    assert "loud" in visit.console_errors
