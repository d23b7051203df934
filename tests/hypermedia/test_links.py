"""Link objects and the header that repeats them."""

from __future__ import annotations

from typing import Any

from hypermedia.links import Rule, href, link, link_header, links_for, reference


def test_an_address_begins_with_the_public_url(settings: Any) -> None:
    settings.PUBLIC_URL = "https://tallyport.example"
    assert href("generic/tasks/1") == "https://tallyport.example/api/generic/tasks/1"
    assert href("") == "https://tallyport.example/api/"
    assert link("self", "x") == {"href": "https://tallyport.example/api/x", "rel": "self"}
    assert link("cancel", "x", "DELETE") == {**link("cancel", "x"), "httpMethod": "DELETE"}
    assert reference(7, "x") == {"id": 7, "links": [link("canonical", "x")]}


def test_a_table_decides_and_keeps_its_order() -> None:
    table: tuple[Rule[int], ...] = (
        Rule("self", None, lambda number: f"numbers/{number}"),
        Rule("half", "GET", lambda number: f"numbers/{number // 2}", lambda number, reader: number % 2 == 0),
        Rule("edit", "PUT", lambda number: f"numbers/{number}", lambda number, reader: reader == "editor"),
    )
    assert [each["rel"] for each in links_for(table, 4, "editor")] == ["self", "half", "edit"]
    assert [each["rel"] for each in links_for(table, 3, "reader")] == ["self"]


def test_the_header() -> None:
    links = [link("self", "a"), link("operator:restart", "b", "POST")]
    assert link_header(links) == f'<{href("a")}>; rel="self", <{href("b")}>; rel="operator:restart"'
    assert link_header([]) == ""


def test_the_header_stays_short() -> None:
    """Servers and proxies refuse long headers; the body has every link."""
    links = [link("file", f"files/{number}") for number in range(1_000)]
    header = link_header(links)
    assert 3_900 < len(header) <= 4_000
    assert header == link_header(links[: header.count("rel=")])
