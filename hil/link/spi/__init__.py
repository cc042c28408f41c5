"""The link over SPI: blocks, the wire made of them, and the bridges that people own (docs/protocol.md, "Over SPI")."""
