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


def zip_path(set_code: str) -> str:
    return f"{set_path(set_code)}/zip"


def _may_read(data_file: Any, reader: Reader) -> bool:
    return data_file.has_content and reader.may_read_data(data_file.data_file_set.created_by_id)


def _may_change(data_file_set: Any, reader: Reader) -> bool:
    return not data_file_set.locked and reader.owns(data_file_set.created_by_id)


def _awaits_content(data_file: Any, reader: Reader) -> bool:
    return data_file.storage_key is None and not data_file.is_gone and _may_change(data_file.data_file_set, reader)


def _awaits_files(data_file_set: Any, reader: Reader) -> bool:
    return _may_change(data_file_set, reader) and not data_file_set.data_files.all()


def _data(data_file: Any) -> str:
    return data_path(data_file.data_file_set.code, data_file.code)


# A `file` is there to be read, or, as long as it is empty, to be filled.
FILE_LINKS: tuple[Rule[Any], ...] = (
    Rule("file", "GET", _data, _may_read),
    Rule("file", "POST", _data, _awaits_content),
)
SET_LINKS: tuple[Rule[Any], ...] = (
    Rule(SELF, None, lambda data_file_set: set_path(data_file_set.code)),
    Rule("datafileset", "GET", lambda data_file_set: set_path(data_file_set.code)),
    Rule("file", "POST", lambda data_file_set: zip_path(data_file_set.code), _awaits_files),
)
GENERIC_SET_LINKS: tuple[Rule[Any], ...] = (
    Rule(SELF, None, lambda data_file_set: f"generic/datafilesets/{data_file_set.pk}"),
    SET_LINKS[1],
)
