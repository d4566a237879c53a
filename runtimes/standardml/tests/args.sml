fun after ("--script" :: _ :: rest) = rest
  | after (_ :: rest) = after rest
  | after [] = []
val () = app (fn a => print (a ^ "\n")) (after (CommandLine.arguments ()))
