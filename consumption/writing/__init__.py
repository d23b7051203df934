"""Consumptions that come in as files: read in pieces, screened, written to the ledger in short transactions."""
