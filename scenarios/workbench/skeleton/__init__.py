"""The scenario and the test that `fortyhertz new` writes; both are tested and linted as they stand here."""
