"""The hall's rules. Pure: no I/O, no clock, no chance; values in, values out."""
