"""Sends what is written down in the folder argv[1] to the gateway at argv[2], to be killed in between.

For each line "life" on standard input it forks a child, which says its process id, waits for another line and
sends what is due; then it says how that ended. The imports are paid once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from controller.hall.calendar import Calendar
from controller.hall.ratings import by_calendar
from controller.messaging.office import Office
from controller.settings import Settings
from controller.store.seal import Seal
from tests.store.halls import open_store, sqlite_url


def live(folder: Path, address: str) -> None:
    store = open_store(sqlite_url(folder))
    settings = Settings(data_dir=folder, sms_carrier="http", sms_address=address)
    office = Office(store, settings, Seal(folder), {}, by_calendar(Calendar(), settings.zone))
    print(os.getpid(), flush=True)
    sys.stdin.readline()
    office.messenger.recover()
    office.messenger.step()
    store.close()


def main() -> None:
    while sys.stdin.readline():
        child = os.fork()
        if not child:
            live(Path(sys.argv[1]), sys.argv[2])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "done", flush=True)


main()
