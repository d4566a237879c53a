set all {}
set part [string repeat x 1048576]
while 1 {
  lappend all [string cat $part [llength $all]]
}
