"""What make_sample.py puts together: the truth, and one module for each kind of file."""
