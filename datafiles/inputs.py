"""What clients send about sets and files."""

from __future__ import annotations

from typing import Any

from datafiles import media
from datafiles.services import MOST_FILES
from hypermedia.fields import ListField, TextField
from hypermedia.messages import StrictSerializer


class CodeField(TextField):
    """A code that a client chose. It will stand in addresses and file names, so not every text is one."""

    default_error_messages = {
        "code": "Give 1 to 60 letters, digits, dots, hyphens, tildes or underscores, with a letter, a digit or an"
        " underscore in front."
    }

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if media.CODE.fullmatch(text) is None:
            self.fail("code")
        return text


class SetCodeField(CodeField):
    default_error_messages = {"taken": "At the address of a set called search sets are searched; choose another code."}

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data)
        if code == "search":
            self.fail("taken")
        return code


class DataFileInput(StrictSerializer):
    """`{"code", "description"}`, both optional."""

    code = CodeField(required=False)
    description = TextField(required=False, allow_blank=True, max_length=200)


class DataFileSetInput(StrictSerializer):
    """`{"code", "description", "dataFiles": [{"code", "description"}]}`, each optional."""

    code = SetCodeField(required=False)
    description = TextField(required=False, allow_blank=True, max_length=200)
    dataFiles = ListField(  # noqa: N815  # the wire's names
        source="data_files", child=DataFileInput(), required=False, max_length=MOST_FILES
    )


class DescriptionInput(StrictSerializer):
    """`{"description"}`. A `code` beside it changes nothing, so it has to be the one in the address."""

    code = TextField(required=False)
    description = TextField(allow_blank=True, max_length=200)
