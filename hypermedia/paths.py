"""The id in an address: what cannot be an id of ours is no address of ours."""

from django.urls import register_converter


class IdConverter:
    """A positive 64-bit integer without leading zeros."""

    regex = "[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number > 2**63 - 1:
            raise ValueError(value)
        return number

    def to_url(self, value: int) -> str:
        return str(value)


class CodeConverter:
    """A code as it stands in an address: what PostgreSQL could not hold as a text is no code."""

    regex = r"[^/\x00]{1,60}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "id")
register_converter(CodeConverter, "code")
