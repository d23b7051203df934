"""How things look on the wire: links, fields, media type, query language, errors. No models; imports no app."""
