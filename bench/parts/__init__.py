"""What `bench/parts_vs_trl_verl.py` compares: a module per part, each with `prepare(sides)`."""
