fun spin n = spin ((n + 1) mod 7)
val () = spin 0
