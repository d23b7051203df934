"""Which links a data file set and its files show."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hypermedia.links import SELF, Rule
from hypermedia.readers import Reader


def set_path(code: str) -> str:
    return f"datafilesets/{quote(code, safe='')}"


def data_path(set_code: str, file_code: str) -> str:
    return f"{set_path(set_code)}/datafiles/{quote(file_code, safe='')}/data"


def _may_read(data_file: Any, reader: Reader) -> bool:
    return data_file.removed_at is None and reader.may_read_data(data_file.data_file_set.created_by_id)


FILE_LINKS: tuple[Rule[Any], ...] = (
    Rule("file", "GET", lambda data_file: data_path(data_file.data_file_set.code, data_file.code), _may_read),
)
SET_LINKS: tuple[Rule[Any], ...] = (
    Rule(SELF, None, lambda data_file_set: set_path(data_file_set.code)),
    Rule("datafileset", "GET", lambda data_file_set: set_path(data_file_set.code)),
)
GENERIC_SET_LINKS: tuple[Rule[Any], ...] = (
    Rule(SELF, None, lambda data_file_set: f"generic/datafilesets/{data_file_set.pk}"),
    SET_LINKS[1],
)
