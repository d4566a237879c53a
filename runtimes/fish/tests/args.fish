string join \n -- $argv
