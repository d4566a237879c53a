#!/usr/bin/env python3
"""Greets whom it is told to greet: sandpit run examples/hello.py -- Ada"""
import sys

print(f"Hello, {' '.join(sys.argv[1:]) or 'world'}!")
