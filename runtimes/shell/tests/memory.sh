part=xxxxxxxxxxxxxxxx
while :; do part=$part$part; done
