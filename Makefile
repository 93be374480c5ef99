# make run     a whole hall on embedded defaults, in the browser
# make test    every test that ends within minutes
# make lint    format, lint, types, import contracts
# make bench   figures, as ratios measured in one run        make soak   endurance and chaos
# make rig-powercut   the power fails under a virtual machine: nothing acknowledged may be lost (root, minutes)
# make rig-arm64      the node on an emulated arm64 board with 512 MB: memory, start, tickets (root, minutes)
# make rig-gpio       the drivers on real lgpio at the pins of a simulated chip (root, minutes)
.PHONY: run test lint format bench soak rig-powercut rig-arm64 rig-gpio wheel clean help

BIN := .venv/bin
LOCKS := pyproject.toml deploy/prepare.sh $(wildcard deploy/locks/*.txt)

unexport PYTHONDONTWRITEBYTECODE  # with it, every process compiles the whole program at its start

help:
	@sed -n 's/^# //p' Makefile

.venv/ready-run: $(LOCKS)
	@deploy/prepare.sh run

.venv/ready-test: $(LOCKS)
	@deploy/prepare.sh test

run: .venv/ready-run
	@exec $(BIN)/servicehall demo $(ARGS)

test: .venv/ready-test
	$(BIN)/pytest -n 3 --dist loadfile $(ARGS)

lint: .venv/ready-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/ready-test
	$(BIN)/python -m tests.bench $(ARGS)

soak: .venv/ready-test
	DEADLINES=real $(BIN)/pytest -n 2 --dist loadfile --timeout 0 tests/contract tests/controller tests/firmware
	$(BIN)/pytest -n 0 -s -m soak --timeout 0 tests/system tests/firmware $(ARGS)

rig-powercut: .venv/ready-test
	$(BIN)/python -m tests.hardware.powercut $(ARGS)

rig-arm64: .venv/ready-test
	$(BIN)/python -m tests.hardware.arm64 $(ARGS)

rig-gpio: .venv/ready-test
	$(BIN)/python -m tests.hardware.gpio $(ARGS)

wheel: .venv/ready-test
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean:
	rm -rf .venv dist build web/static/vendor node_modules
