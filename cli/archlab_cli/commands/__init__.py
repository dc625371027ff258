"""One file a command, loaded when it is used. Each holds one `command`."""
