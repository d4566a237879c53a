a=1
b=2
if then fi done
