"""Operations counted in a run, and their price in joules."""
