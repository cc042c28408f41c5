"""A realised board with an open link: the right firmware answers, images are placed, and damage is recovered from."""

from __future__ import annotations

import zlib
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from hil.dut.answering import check_identity, open_paired
from hil.errors import BoardGoneError, FlashError, HilError, InputError, LinkError, RigError, TargetFault
from hil.frame import Status
from hil.image import checked
from hil.link.client import AgentClient, SpiSettings
from hil.link.jobs import Dimensions
from hil.link.refusal import Refusal
from hil.result import noticed_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.board import Board
    from hil.build import Artefact
    from hil.dut.counting import Emulated
    from hil.dut.realised import Realised
    from hil.emulator.activity_log import Recording
    from hil.link.client import Identity
    from hil.result import Flashed

RAM, FLASH = "RAM", "flash"

_ANOTHER_IMAGE = {Status.IMAGE_CRC, Status.IMAGE_REJECTED, Status.IMAGE_RANGE}


class Connection:
    """The link to the firmware of one realised board, from open to close.

    Probe and port may have been named apart, and belong to two boards: then the firmware would be verified on the one
    and the numbers come from the other. So the probe must restart what answers on the port, before anything counts.

    Args:
        board: the board.
        artefact: the firmware that must answer.
        realised: what runs it.
        stack: closes the link when it is closed.
        link: which of the board's links the firmware was built for.

    Attributes:
        lost: why the board itself cannot be used any more; None while it can.

    Raises:
        LinkError: nobody answers.
        TargetFault: another firmware answers.
        RigError: the firmware says that the board itself is defective, or the port is that of another board.
    """

    def __init__(self, board: Board, artefact: Artefact, realised: Realised, stack: ExitStack, *, link: str) -> None:
        self._board = board
        self._link_name = link
        self._artefact = artefact
        self._realised = realised
        self._link = stack.enter_context(ExitStack())
        self._placed: tuple[bytes, str] | None = None
        self._identity: Identity | None = None
        self._client: AgentClient | None = None
        self.lost: RigError | None = None
        try:
            self._client = self._check_firmware(self._open_paired())
        except (LinkError, TargetFault) as error:
            self._look_behind(error)
            raise

    @property
    def client(self) -> AgentClient:
        """The open client; after damage, a new one to the restarted firmware."""
        with self.guard() as client:
            return client

    def _known_client(self) -> AgentClient:
        if self._client is None:
            try:
                self._realised.restart()
                self._client = self._connect()
            except RigError as error:
                self.lost = error
                raise
        return self._client

    @property
    def probe_uid(self) -> str:
        """Uid of the debug probe; empty where there is none."""
        return self._realised.probe_uid

    @property
    def flashed(self) -> Flashed:
        """What was written to the board's flash so far."""
        return self._realised.flashed

    @property
    def noticed(self) -> tuple[str, ...]:
        """What the emulator has noticed of the firmware since power-up: a sentence each."""
        return self._realised.noticed

    @property
    def counter(self) -> Emulated:
        """What counts the cycles of an emulated core, or why nothing does."""
        return self._realised.counter

    @property
    def machine(self) -> Recording | None:
        """What records what an emulated chip does; None where nobody can be asked."""
        return self._realised.machine

    @property
    def identity(self) -> Identity:
        """What the firmware said of itself when the link was opened."""
        if self._identity is None:
            raise AssertionError("the firmware has been identified since the link was opened")
        return self._identity

    @contextmanager
    def guard(self) -> Iterator[AgentClient]:
        """The client, for work that may fail: a failure says what is behind it, and the next user gets a sound link."""
        self._realised.confirm()
        try:
            yield self._known_client()
            self._realised.confirm()
        except BoardGoneError as gone:
            self.lost = gone
            raise
        except (LinkError, TargetFault) as error:
            self._drop()
            if not isinstance(error, Refusal):
                self._look_behind(error)
            raise

    def _look_behind(self, error: LinkError | TargetFault) -> None:
        """Add to an error what the core was doing; raise what has ended the firmware, where the link alone is told.

        Where nobody can look, the error says so.
        """
        try:
            error.post_mortem = (*self._realised.check(), *error.post_mortem)
        except BoardGoneError as gone:
            gone.post_mortem += error.post_mortem
            self.lost = gone
            raise
        except TargetFault as fault:
            fault.post_mortem += error.post_mortem
            if isinstance(error, LinkError):
                raise
            error.post_mortem = fault.post_mortem
        except (RigError, FlashError) as blind:  # FlashError: what pyOCD calls a bad value
            sentence = f"the core cannot be looked at: {blind.message}" + (f" ({blind.cause})" if blind.cause else "")
            error.cause = f"{error.cause}; and {sentence}" if error.cause else sentence
        if noticed := noticed_sentence(self._realised.noticed):
            error.cause = f"{error.cause}; {noticed}" if error.cause else noticed

    def place_image(self, image: bytes) -> str:
        """Have the firmware open a model image: in RAM where it fits, else in flash, written only if it is not there.

        Returns:
            Where it lies, ``RAM`` or ``flash``.

        Raises:
            InputError: the board has room for it in neither.
            TargetFault: the firmware does not accept it, or opens another one.
        """
        if self._placed is not None and self._placed[0] == image and self._client is not None:
            return self._placed[1]
        self._placed = None
        net, _ = checked(image)
        wanted = Dimensions(net.neurons, net.inputs, net.outputs, net.unfolds)
        with self.guard() as client:
            identity = self.identity
            if identity.fits_ram(len(image), net.memory_bytes, wanted.neurons + wanted.outputs):
                client.load_image(image)
                place = RAM
            elif len(image) <= identity.slot_bytes:
                self._open_in_flash(client, image)
                place = FLASH
            else:
                raise InputError(
                    f"the model image of {len(image)} bytes does not fit board '{self._board.name}'",
                    cause=f"{identity.arena_bytes} bytes of RAM hold image and working memory, "
                    f"the image slot in flash has {identity.slot_bytes}",
                    hint="prune the network, or take a board with more memory",
                )
            if self.client.dimensions != wanted:
                raise TargetFault(
                    f"board '{self._board.name}' was told to open a network of {wanted}, and has opened one of "
                    f"{self.client.dimensions}",
                    hint="its firmware has taken another image for the one it was given",
                )
        self._placed = (image, place)
        return place

    def _open_in_flash(self, client: AgentClient, image: bytes) -> None:
        crc = zlib.crc32(image)
        try:
            client.open_flash_image(len(image), crc)
        except Refusal as refusal:
            if refusal.status not in _ANOTHER_IMAGE:
                raise
        else:
            return
        self._drop()
        self._realised.store_image(image)
        self._client = self._connect()
        self._client.open_flash_image(len(image), crc)

    def _open_paired(self) -> AgentClient:
        """A client of what answers on the port, once it is settled that the probe restarts it."""
        if not self._realised.probe_uid:
            return self._open()
        return open_paired(
            self._open,
            self._restart,
            probe=self._realised.probe_uid,
            link=f"port {self._realised.link_address}",
            hint=self._realised.pairing_hint,
        )

    def _restart(self) -> None:
        self._link.close()
        self._realised.restart()

    def _connect(self) -> AgentClient:
        return self._check_firmware(self._open())

    def _open(self) -> AgentClient:
        uart, spi = self._board.links.uart, self._board.links.spi
        over = SpiSettings(spi.mode, spi.max_hz, self._board.clock_hz, spi.select_us * 1e-6) if spi else None
        return self._link.enter_context(
            AgentClient(
                self._realised.link_address,
                board_name=self._board.name,
                baud=uart.baud if uart else 0,
                spi=over if self._link_name == "spi" else None,
                elf=str(self._artefact.elf),
            )
        )

    def _check_firmware(self, client: AgentClient) -> AgentClient:
        """The same client, where the firmware that was built answers, on a sound board."""
        identity = client.identify()
        name = self._board.name
        try:
            check_identity(
                identity,
                board_name=name,
                build_id=self._artefact.build_id,
                hint=f"check --board and --port, or flash it: 'hil flash {name}', or --flash always",
            )
        except HilError as error:
            error.post_mortem += client.traffic
            raise
        self._identity = identity
        return client

    def _drop(self) -> None:
        """Close the link; whoever needs it next gets a restarted firmware."""
        self._client = None
        self._placed = None
        self._link.close()
