# Loaded by a template that has modules to load (PERL5OPT), when Perl has opened its program and not read it yet; runs are forked at
# the open of /.sandpit/go, and find their own program open. Leaves no name behind.
{
    local ($@, $!, $_, $/);
    @INC = grep { $_ ne '/.sandpit' } @INC;
    delete $INC{'warm.pm'};
    my $threads = sub {
        open my $status, '<', '/proc/self/status' or return 1;
        local $/;
        return <$status> =~ /^Threads:\s+(\d+)/m ? $1 : 1;
    };
    my $refuse = sub {
        my ($module, $why) = @_;
        $why =~ s/ at \S+ line \d+\.?\n.*|\n.*//s;
        syswrite STDERR, "preload $module: $why\n";
        exit 1;
    };
    for my $module (split /,/, $ENV{SANDPIT_PRELOAD} // '') {
        my $file = $module;
        $file =~ s{::}{/}g;
        $file .= '.pm' unless $file =~ /\.p[lm]\z/;
        my $before = $threads->();
        eval { require $file; 1 } or $refuse->($module, $@);
        $refuse->($module, q{it starts threads, which a fork can't take along}) if $threads->() > $before;
    }
    open my $record, '<:raw', '/.sandpit/go' or die "no template: $!\n";
    my @words = split /\0/, <$record>, -1;
    pop @words;
    shift @words;
    @ARGV = @words;
    $^T = time;
    delete @ENV{qw(PERL5OPT SANDPIT_PRELOAD)};
    srand;
}
1;
