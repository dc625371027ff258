"""One file a command, loaded when it is used. Each holds `app` with one command in it."""
