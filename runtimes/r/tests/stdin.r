cat(readLines(file("stdin")), sep = "\n")
