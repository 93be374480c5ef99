"""The demo: a whole sample hall with emulated hardware and a crowd, started by one command."""

from controller.demo.run import main

__all__ = ["main"]
