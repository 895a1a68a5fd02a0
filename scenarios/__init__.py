"""One file per named scenario, and the house around them: command line, run folders, report."""
