# Makes the directory in which another user's Sandpit (argument 1: the user's number) would keep its state, before that user does:
# a link to a directory of its choice (argument 2).
ln -s "$2" "/tmp/sandpit-$1" && echo planted
