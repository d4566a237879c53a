my $line = ("x" x 63) . "\n";
print $line while 1;
