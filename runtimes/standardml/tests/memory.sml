fun grow l = grow (Array.array (100000, length l) :: l)
val () = grow []
