"""The session's races and ends one by one, against the C agent in one process, in simulated time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.errors import InputError, LinkError, TargetFault
from hil.frame import LAST_SEQ, REPLY, Command, Frame, Status, decode
from hil.link.refusal import Refusal
from tests.contract import memory_agent, mixing
from tests.contract.memory_agent import Direction, MemoryWire, compile_agent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = mixing.image(4, 2, 2)
INPUTS, ELAPSED = mixing.sequence(300, 2)
STATES, OUTPUTS = mixing.run(MODEL, INPUTS, ELAPSED)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_agent(tmp_path_factory.mktemp("agent"))


def parsed(frame: bytes) -> Frame:
    result = decode(frame[:-1])
    assert result is not None
    return result


def on(command: Command, action: Callable[[Direction, bytes], list[bytes]], times: int = 1):
    """A fault function that acts on the first frames of a command, whichever way they go."""
    left = [times]

    def fault(direction: Direction, frame: bytes) -> list[bytes]:
        sound = decode(frame[:-1]) if len(frame) > 1 else None
        if sound is None or sound.command & ~REPLY != command or left[0] == 0:
            return [frame]
        left[0] -= 1
        return action(direction, frame)

    return fault


def run_all(wire: MemoryWire) -> int:
    agent = wire.agent()
    agent.load_image(MODEL)
    result = agent.run(INPUTS, ELAPSED)
    assert np.array_equal(result.states, STATES)
    assert np.array_equal(result.outputs, OUTPUTS)
    return agent.retries


@pytest.mark.parametrize(
    "command", [Command.SYNC, Command.IDENTIFY, Command.IMAGE_WRITE, Command.IMAGE_OPEN, Command.STEP]
)
@pytest.mark.parametrize("way", ["up", "down"])
def test_one_lost_frame_of_each_command(library: Path, command: Command, way: str) -> None:
    wire = MemoryWire(library, **{way: on(command, lambda _direction, _frame: [])})
    repairs = run_all(wire)
    assert repairs == (0 if command == Command.SYNC else 1)


@pytest.mark.parametrize("command", [Command.SYNC, Command.IMAGE_WRITE, Command.IMAGE_OPEN, Command.STEP])
@pytest.mark.parametrize("way", ["up", "down"])
def test_every_frame_of_a_command_doubled(library: Path, command: Command, way: str) -> None:
    wire = MemoryWire(library, **{way: on(command, lambda _direction, frame: [frame, frame], times=1000)})
    assert run_all(wire) == 0


SEQUENCES = 3
ROWS = len(ELAPSED) // SEQUENCES
START = np.arange(1, 5, dtype=np.int32)
BEGUN_ANEW = [
    mixing.run(MODEL, INPUTS[row : row + ROWS], ELAPSED[row : row + ROWS], START)
    for row in range(0, len(ELAPSED), ROWS)
]


def run_sequences(wire: MemoryWire) -> int:
    """Sequences in one run; returns the repairs."""
    agent = wire.agent()
    agent.load_image(MODEL)
    result = agent.run(INPUTS, ELAPSED, state=START, sequence_steps=ROWS)
    assert np.array_equal(result.states, np.concatenate([states for states, _ in BEGUN_ANEW]))
    assert np.array_equal(result.outputs, np.concatenate([outputs for _, outputs in BEGUN_ANEW]))
    assert np.array_equal(agent.get_state(), BEGUN_ANEW[-1][0][-1])
    return agent.retries


def commands(frames: list[bytes]) -> list[int]:
    return [parsed(frame).command & ~REPLY for frame in frames if len(frame) > 1]


def test_sequences_are_one_run_without_a_pause(library: Path) -> None:
    wire = MemoryWire(library)
    assert run_sequences(wire) == 0
    sent = commands(wire.up.history)
    assert sent.count(Command.STATE_SET) == SEQUENCES
    assert sent.count(Command.SYNC) == 1


@pytest.mark.parametrize("way", ["up", "down"])
def test_each_frame_of_a_run_of_sequences_lost_once(library: Path, way: str) -> None:
    sound = MemoryWire(library)
    run_sequences(sound)
    sent = commands(sound.up.history)
    first = sent.index(Command.STATE_SET)
    for lost in range(first, len(sent)):
        left = [lost]

        def drop_one(_direction: Direction, frame: bytes, left: list[int] = left) -> list[bytes]:
            left[0] -= len(frame) > 1
            return [] if left[0] == -1 and len(frame) > 1 else [frame]

        wire = MemoryWire(library, **{way: drop_one})
        assert run_sequences(wire) == 1, lost
        again = commands(wire.up.history)
        repaired = again.index(Command.SYNC, 1)
        restored = again[repaired + 1]
        assert restored == (Command.STATE_GET if sent[lost] == Command.STATE_GET else Command.STATE_SET), lost


def test_a_refusal_names_the_sequence(library: Path) -> None:
    agent = MemoryWire(library).agent()
    agent.load_image(MODEL)
    elapsed = ELAPSED.copy()
    elapsed[ROWS + 7] = 0
    with pytest.raises(Refusal, match=r"refused STEP at step 7 of sequence 1: STEP_REJECTED"):
        agent.run(INPUTS, elapsed, state=START, sequence_steps=ROWS)
    with pytest.raises(InputError, match="300 steps are no whole number of sequences of 7"):
        agent.run(INPUTS, ELAPSED, state=START, sequence_steps=7)


def test_answer_to_an_earlier_sync_comes_late(library: Path) -> None:
    # The first answer is held back and arrives just before the second: it must not be taken for the second's.
    held: list[bytes] = []

    def late(_direction: Direction, frame: bytes) -> list[bytes]:
        held.append(frame)
        return [] if len(held) == 1 else [held[0], frame, held[0]]

    wire = MemoryWire(library, down=on(Command.SYNC, late, times=2))
    assert run_all(wire) == 0
    assert len(held) == 2


def test_a_doubled_sync_with_the_first_answer_lost(library: Path) -> None:
    # Only the refusal of the double comes back; the session must go on to a later epoch.
    wire = MemoryWire(
        library,
        up=on(Command.SYNC, lambda _direction, frame: [frame, frame]),
        down=on(Command.SYNC, lambda _direction, _frame: []),
    )
    assert run_all(wire) == 0


def test_an_old_step_is_not_executed_again(library: Path) -> None:
    wire = MemoryWire(library)
    agent = wire.agent()
    agent.load_image(MODEL)
    agent.run(INPUTS[:100], ELAPSED[:100])
    steps = [frame for frame in wire.up.history if len(frame) > 1 and parsed(frame).command == Command.STEP]
    wire.write(b"".join(steps))
    rest = agent.run(INPUTS[100:], ELAPSED[100:])
    assert np.array_equal(rest.states, STATES[100:])


def test_an_old_sync_does_not_revive_its_requests(library: Path) -> None:
    wire = MemoryWire(library, up=on(Command.STEP, lambda _direction, _frame: []))
    run_all(wire)
    syncs = [frame for frame in wire.up.history if len(frame) > 1 and parsed(frame).command == Command.SYNC]
    assert len(syncs) == 2
    wire.write(syncs[0])
    answer = parsed(wire.down.history[-1])
    assert (answer.command & ~REPLY, answer.status) == (Command.SYNC, Status.BAD_EPOCH)
    assert answer.detail == parsed(syncs[1]).epoch


def test_a_second_session_goes_on_from_the_firsts_epochs(library: Path) -> None:
    wire = MemoryWire(library)
    wire.agent().load_image(MODEL)
    run_all(wire)


def test_a_session_longer_than_its_sequence_numbers(library: Path) -> None:
    wire = MemoryWire(library)
    agent = wire.agent()
    agent.load_image(MODEL)
    done = 0
    for _ in range(LAST_SEQ + 10):
        done += agent.echo(b"") == b""
    assert done == LAST_SEQ + 10
    result = agent.run(INPUTS, ELAPSED)
    assert np.array_equal(result.states, STATES)
    assert agent.retries == 0
    syncs = [frame for frame in wire.up.history if len(frame) > 1 and parsed(frame).command == Command.SYNC]
    assert len(syncs) == 2


def test_restart_in_a_run_is_a_target_fault(library: Path) -> None:
    wire = MemoryWire(library)

    def restart(_direction: Direction, _frame: bytes) -> list[bytes]:
        wire.boot()
        return []

    wire.up.fault = on(Command.STEP, restart)
    with pytest.raises(TargetFault, match="has restarted in the middle of the session"):
        run_all(wire)


def test_restart_while_an_image_is_loaded_is_a_target_fault(library: Path) -> None:
    wire = MemoryWire(library)

    def restart(_direction: Direction, _frame: bytes) -> list[bytes]:
        wire.boot()
        return []

    wire.up.fault = on(Command.IMAGE_OPEN, restart)
    with pytest.raises(TargetFault, match="has restarted"):
        run_all(wire)


def test_another_program_on_the_link(library: Path) -> None:
    wire = MemoryWire(library)
    agent = wire.agent()
    agent.load_image(MODEL)
    wire.write(Frame(0x7000_0000, 0, Command.SYNC).encode())
    with pytest.raises(LinkError, match="another program talks to board 'memory'"):
        agent.run(INPUTS, ELAPSED)


def test_core_fault_names_the_place(library: Path) -> None:
    wire = MemoryWire(library)
    agent = wire.agent()
    agent.load_image(MODEL)

    def crash(_direction: Direction, _frame: bytes) -> list[bytes]:
        wire.crash()
        return []

    wire.up.fault = on(Command.STEP, crash)
    with pytest.raises(TargetFault, match=r"stopped in a HardFault at pc 0x00001234") as caught:
        agent.run(INPUTS, ELAPSED)
    assert "lr=0x00000006 pc=0x00001234" in str(caught.value)
    assert caught.value.hint is not None
    assert "-fe /cache/memory/agent.elf 0x1234' names the line" in caught.value.hint


def test_a_fault_from_before_a_reset_is_no_fault(library: Path) -> None:
    wire = MemoryWire(library)
    wire.crash()
    stale = wire.take()
    wire.silent = False
    wire.boot()
    wire.inject(stale * 5)
    run_all(wire)


def test_a_parked_core_is_a_target_fault_to_a_new_session(library: Path) -> None:
    wire = MemoryWire(library)
    wire.crash()
    report = wire.take()
    wire.write = lambda _data: wire.inject(report * 2)  # type: ignore[method-assign]
    with pytest.raises(TargetFault, match="HardFault at pc 0x00001234"):
        wire.agent()
    assert wire.now < 1


def test_silent_firmware(library: Path) -> None:
    wire = MemoryWire(library)
    wire.silent = True
    with pytest.raises(LinkError, match=r"does not answer on memory.*nothing was heard at all"):
        wire.agent(timeout_s=0.5)
    assert wire.now < 5


def test_firmware_that_hangs_in_a_run(library: Path) -> None:
    wire = MemoryWire(library)
    agent = wire.agent()
    agent.load_image(MODEL)
    before = wire.now
    wire.silent = True
    with pytest.raises(LinkError, match=r"no answer to \d+ SYNCs in.*last heard reply IMAGE_OPEN \d+ OK"):
        agent.run(INPUTS, ELAPSED)
    assert wire.now - before < 5


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        (b"Hello, world\r\n", "are no frame, the last of them"),
        (b"\0" * 50, "are no frame"),
        (b"\x01\x02\0", "are no frame"),
        (Frame(1, 2, Command.ECHO | REPLY, b"\0").encode(), "last heard reply ECHO 2 OK"),
    ],
    ids=["banner", "zeros", "damaged frames", "answers that nobody asked for"],
)
def test_babbling_firmware(library: Path, noise: bytes, words: str) -> None:
    wire = MemoryWire(library)
    wire.silent = True
    sound = wire.read

    def babble() -> bytes:
        wire.now += 0.001
        return sound() or noise * 10

    wire.read = babble  # type: ignore[method-assign]
    with pytest.raises(LinkError, match=words):
        wire.agent(timeout_s=0.5)
    assert wire.now < 5


def test_a_line_that_returns_what_is_sent(library: Path) -> None:
    wire = MemoryWire(library)
    wire.silent = True
    wire.write = wire.inject  # type: ignore[method-assign]
    with pytest.raises(LinkError, match="TX and RX are connected to each other"):
        wire.agent(timeout_s=0.5)


def test_another_protocol_version(library: Path) -> None:
    def newer(_direction: Direction, frame: bytes) -> list[bytes]:
        answer = parsed(frame)
        body = struct.pack("<III", 0, 0, 7) + bytes([Status.OK])
        return [Frame(answer.epoch, answer.seq, answer.command, body).encode()]

    wire = MemoryWire(library, down=on(Command.SYNC, newer))
    with pytest.raises(LinkError, match="speaks version 7 of the link protocol, this hil speaks version 6"):
        wire.agent()


def test_refusals_carry_code_and_name(library: Path) -> None:
    wire = MemoryWire(library)
    agent = wire.agent()
    with pytest.raises(InputError, match="no network is open"):
        agent.run(INPUTS, ELAPSED)
    with pytest.raises(Refusal, match=r"board 'memory' refused IMAGE_OPEN: IMAGE_REJECTED \(code 10\).*LTC_ERR_MAGIC"):
        agent.load_image(b"no image" * 8)
    with pytest.raises(Refusal, match=r"NO_ROOM \(code 11\)"):
        agent.load_image(mixing.image(200, 2, 2, padding=62_000))
    with pytest.raises(Refusal, match=r"IMAGE_RANGE \(code 8\).*65536 bytes"):
        agent.load_image(mixing.image(2, 2, 2, padding=70_000))
    with pytest.raises(Refusal, match=r"IMAGE_CRC \(code 9\)"):
        agent.open_flash_image(100, 0x1234)
    agent.load_image(MODEL)
    elapsed = ELAPSED.copy()
    elapsed[123] = 0
    with pytest.raises(Refusal, match=r"refused STEP at step 123: STEP_REJECTED \(code 14\).*LTC_ERR_ELAPSED"):
        agent.run(INPUTS, elapsed)
    # The link is sound afterwards, and so are the numbers.
    agent.reset_state()
    assert np.array_equal(agent.run(INPUTS, ELAPSED).states, STATES)


def test_wrong_shapes_are_refused_before_anything_is_sent(library: Path) -> None:
    agent = MemoryWire(library).agent()
    agent.load_image(MODEL)
    with pytest.raises(InputError, match=r"inputs must be int32 of shape \(300, 2\).* not int32 of shape \(300, 1\)"):
        agent.run(INPUTS[:, :1], ELAPSED)
    with pytest.raises(InputError, match="elapsed must be uint32"):
        agent.run(INPUTS, ELAPSED.astype(np.int64))
    with pytest.raises(InputError, match="state must be int32"):
        agent.set_state(np.zeros(5, np.int32))


def test_a_run_that_a_callback_ends_leaves_a_sound_link(library: Path) -> None:
    agent = MemoryWire(library).agent()
    agent.load_image(MODEL)

    def stop(done: int, *_: object) -> None:
        raise KeyboardInterrupt(done)

    with pytest.raises(KeyboardInterrupt):
        agent.run(INPUTS, ELAPSED, progress=stop)
    agent.reset_state()
    assert np.array_equal(agent.run(INPUTS, ELAPSED).states, STATES)


@pytest.mark.parametrize(
    "dimensions", [(1, 1, 1), (255, 255, 255), (255, 1, 1), (1, 255, 1), (3, 2, 0), (3, 0, 3)], ids=str
)
@pytest.mark.parametrize("want_states", [True, False], ids=["states", "outputs"])
def test_every_shape(library: Path, dimensions: tuple[int, int, int], want_states: bool) -> None:
    neurons, inputs, outputs = dimensions
    model = mixing.image(neurons, inputs, outputs, padding=1)
    values, elapsed = mixing.sequence(40, inputs)
    expected_states, expected_outputs = mixing.run(model, values, elapsed)
    agent = MemoryWire(library).agent()
    agent.load_image(model)
    seen: list[int] = []
    result = agent.run(values, elapsed, want_states=want_states, progress=lambda done, *_: seen.append(done))
    assert np.array_equal(result.outputs, expected_outputs)
    assert np.array_equal(result.final_state, expected_states[-1])
    assert result.states.shape == ((40, neurons) if want_states else (0, neurons))
    assert not want_states or np.array_equal(result.states, expected_states)
    assert seen == sorted(set(seen))
    assert seen[-1] == 40


def test_no_steps(library: Path) -> None:
    agent = MemoryWire(library).agent()
    agent.load_image(MODEL)
    state = np.arange(4, dtype=np.int32)
    result = agent.run(INPUTS[:0], ELAPSED[:0], state=state)
    assert result.states.shape == (0, 4)
    assert np.array_equal(agent.get_state(), state)


def test_a_session_finds_what_the_agent_had_before(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = MemoryWire(library)
    first = wire.agent()
    assert first.found == {0}
    monkeypatch.setattr(memory_agent, "FIRST_EPOCH", 5000)
    second = wire.agent()
    assert second.found == {first.epoch}


@pytest.mark.parametrize("late", [True, False])
def test_an_answer_to_sync_that_comes_late_tells_what_was_before_and_a_lost_one_nothing(
    library: Path, late: bool
) -> None:
    held: list[bytes] = []

    def hold(_: Direction, frame: bytes) -> list[bytes]:
        held.append(frame)
        return held if late and len(held) == 2 else [frame] * (len(held) == 2)

    wire = MemoryWire(library, down=on(Command.SYNC, hold, times=2))
    assert wire.agent().found == ({0} if late else set())
