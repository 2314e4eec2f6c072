#!/usr/bin/env perl
# Runs a program and reaps what its descendants leave behind.
#
#   reaper.pl PROGRAM ARGUMENT...
#
# A killed postmaster's children become orphans. Where process 1 is no real init they stay zombies for long, and the
# next start meets "postmaster.pid already exists". This process declares itself their reaper. It forwards SIGINT and
# SIGTERM, and ends as the program ended, after it has killed whatever the program left behind. Perl, because it is on
# every machine and Node.js has no prctl.
use strict;
use warnings;
use POSIX qw(:sys_wait_h :signal_h);

my $PR_SET_PDEATHSIG        = 1;
my $PR_SET_CHILD_SUBREAPER  = 36;
my %syscall_number_of_prctl = (x86_64 => 157, aarch64 => 167);

my $machine = (POSIX::uname())[4];
my $prctl   = $syscall_number_of_prctl{$machine};

my @command = @ARGV;
die "usage: reaper.pl PROGRAM ARGUMENT...\n" unless @command;

if (defined $prctl) {
    syscall($prctl, $PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    # Whatever started this may be killed: nothing of it goes on without it.
    syscall($prctl, $PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

my $child = fork;
die "fork: $!\n" unless defined $child;
if ($child == 0) {
    # Without its reaper the program ends, too.
    syscall($prctl, $PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) if defined $prctl;
    exec { $command[0] } @command or die "$command[0]: $!\n";
}

# A terminal sends SIGINT to the program as well: it must take a second one calmly.
$SIG{$_} = sub { kill $_[0], $child } for qw(INT TERM HUP);

my $status;
until (defined $status) {
    my $pid = waitpid(-1, 0);
    $status = $? if $pid == $child;
    last if $pid == -1 && !$!{EINTR};
}
$status = 0 unless defined $status;

# Kills every descendant: orphans have become this process's children. Returns how many there were.
sub kill_descendants {
    my %children;
    for my $file (glob '/proc/[0-9]*/stat') {
        open(my $stat, '<', $file) or next;
        my $fields = <$stat> // '';
        close $stat;
        my ($pid) = $fields =~ /^(\d+)/ or next;
        # The name in parentheses may hold anything, even parentheses.
        $fields =~ s/^.*\) //s;
        my ($state, $parent) = split / /, $fields;
        push @{ $children{$parent} }, $pid if $state ne 'Z';
    }
    my @left = @{ $children{$$} // [] };
    my $count = 0;
    while (defined(my $pid = shift @left)) {
        push @left, @{ $children{$pid} // [] };
        $count += kill 'KILL', $pid;
    }
    return $count;
}

if (defined $prctl) {
    for (1 .. 500) {
        last unless kill_descendants();
        1 while waitpid(-1, WNOHANG) > 0;
        select(undef, undef, undef, 0.01);
    }
}
1 while waitpid(-1, WNOHANG) > 0;

if ($status & 127) {
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    kill $status & 127, $$;
}
exit($status >> 8);
