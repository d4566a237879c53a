set -u
echo "$boom"
