"""What the pytest plugin does behind its hooks: options, collection, the state of a run, and the summary."""
