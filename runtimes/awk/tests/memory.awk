BEGIN { s = "x"; while (length(s) < 1048576) s = s s; while (1) all[n++] = s n }
