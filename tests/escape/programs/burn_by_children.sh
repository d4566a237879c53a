# Burns processor time in children that are each gone before anybody looks.
while :; do /bin/true; done
