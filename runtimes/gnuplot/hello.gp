set print "-"
print "Hello, World!"
set terminal svg
set output "hello.svg"
plot sin(x)
