val () = TextIO.output (TextIO.stdOut, "Gr\195\188\195\159e, \228\184\150\231\149\140 \240\159\140\141\n")
