"""The other end of each wire: devices that speak real bytes, keep what they did, and can be broken.

`bench` runs all devices of one unit in one process, with a page that draws them.
"""
