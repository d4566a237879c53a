BEGIN { s = sprintf("%1048576s", "x"); while (1) all[n++] = s n }
