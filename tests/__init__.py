"""Tests mirror the source; this file keeps a package `tests` that others install out of the way."""
