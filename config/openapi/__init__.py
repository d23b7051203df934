"""The OpenAPI document: which routes there are comes from the code, what they mean from the tables here."""
