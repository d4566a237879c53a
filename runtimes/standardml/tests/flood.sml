fun flood () = (print "yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes\n"; flood ())
val () = flood ()
