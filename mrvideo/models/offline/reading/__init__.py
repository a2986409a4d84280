"""Stage A without a model: texts on screen, cuts, colours and motion, read and measured."""
