all <- list()
while (TRUE) all[[length(all) + 1]] <- runif(131072)
