set -u
print "$boom"
