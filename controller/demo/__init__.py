"""The demo: a whole sample hall with emulated hardware and a crowd, started by one command."""


def main(argv: list[str]) -> int:
    """Run a whole sample hall on this machine: emulated hardware, a crowd, every screen."""
    from controller.demo.run import main as run  # the crowd's process imports this package without it

    return run(argv)
