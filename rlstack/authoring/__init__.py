"""What the author's kit does behind `rlstack env …` and `rlstack rescore`: contracts, trials, difficulty, rejudging."""
