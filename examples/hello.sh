#!/bin/sh
# Greets whom it is told to greet: sandpit run examples/hello.sh -- Ada
echo "Hello, ${*:-world}!"
