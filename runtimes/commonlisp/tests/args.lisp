(dolist (argument (rest *posix-argv*)) (write-line argument))
