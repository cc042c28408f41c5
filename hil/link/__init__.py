"""The link to the agent on a board: transport, session, client (docs/protocol.md)."""
