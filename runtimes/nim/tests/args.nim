import os

for argument in commandLineParams():
  echo argument
