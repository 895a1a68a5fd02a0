"""The explorer: rows of attention that run in a page, started by `fortyhertz explore` (extra `explore`)."""
