"""One file per step; the file names sort by revision."""
