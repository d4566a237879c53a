errprint(`boom
')m4exit(1)
