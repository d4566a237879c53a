my $a = 1;
my $b = 2;
print $a + * $b );
