# Makes N (argument 1) names of one file: names cost memory, but no inode.
touch file; made=0
while [ $made -lt "$1" ] && ln file "link-$made" 2>/dev/null; do made=$((made+1)); done
echo "$made names"
[ $made -ge "$1" ] && echo ESCAPED || echo CONTAINED
