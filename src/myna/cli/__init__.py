"""The command line: one file per verb, dispatched by `main`."""
