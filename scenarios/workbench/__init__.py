"""What every scenario uses: command line, run folders, sweeps, reports, statistics."""
