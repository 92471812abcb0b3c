"""The HTTP gateway: upload a file, follow its job, see what became of it."""
