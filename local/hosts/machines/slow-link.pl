#!/usr/bin/env perl
# Carries frames between a link and a new one, each a while later than it came.
#
#   slow-link.pl LINK NEW-LINK MILLISECONDS
#
# Kernels have a queue for that (netem), but not every kernel. Frames keep the header in which the kernel notes what it
# has not done yet: checksums, and the cutting of large segments. Without it they would be broken on the other side.
# Says "ready" when the new link is there; it goes with this process.
use strict;
use warnings;
use Fcntl;
use Socket qw(SOCK_RAW);
use Time::HiRes qw(time);

my ($AF_PACKET, $ETH_P_ALL, $SOL_PACKET, $PACKET_VNET_HDR, $PACKET_IGNORE_OUTGOING) = (17, 3, 263, 15, 23);
my ($IFF_TAP, $IFF_NO_PI, $IFF_VNET_HDR) = (0x0002, 0x1000, 0x4000);
my ($TUNSETIFF, $TUNSETOFFLOAD, $SIOCGIFINDEX) = (0x400454ca, 0x400454d0, 0x8933);
my $OFFLOAD_CHECKSUM_AND_SEGMENTS = 1 | 2 | 4;
my $LARGEST_FRAME                 = 70_000;
my $MOST_WAITING                  = 20_000;

my ($link, $new_link, $milliseconds) = @ARGV;
die "usage: slow-link.pl LINK NEW-LINK MILLISECONDS\n" unless defined $milliseconds;
my $delay = $milliseconds / 1000;

sysopen(my $tap, '/dev/net/tun', O_RDWR | O_NONBLOCK) or die "/dev/net/tun: $!\n";
ioctl($tap, $TUNSETIFF, pack('a16 s x22', $new_link, $IFF_TAP | $IFF_NO_PI | $IFF_VNET_HDR)) or die "$new_link: $!\n";
ioctl($tap, $TUNSETOFFLOAD, $OFFLOAD_CHECKSUM_AND_SEGMENTS) or die "$new_link: offload: $!\n";

socket(my $wire, $AF_PACKET, SOCK_RAW, unpack('S', pack('n', $ETH_P_ALL))) or die "packet socket: $!\n";
my $request = pack('a16 x24', $link);
ioctl($wire, $SIOCGIFINDEX, $request) or die "$link: $!\n";
my (undef, $index) = unpack('a16 i', $request);
setsockopt($wire, $SOL_PACKET, $PACKET_VNET_HDR,        pack('i', 1)) or die "$link: headers: $!\n";
setsockopt($wire, $SOL_PACKET, $PACKET_IGNORE_OUTGOING, pack('i', 1)) or die "$link: own frames: $!\n";
bind($wire, pack('S n i S C C a8', $AF_PACKET, $ETH_P_ALL, $index, 0, 0, 0, '')) or die "$link: $!\n";
fcntl($wire, F_SETFL, O_NONBLOCK) or die "$link: $!\n";

$| = 1;
print "ready\n";

# Frames on their way, in the order in which they came: [when they are due, frame].
my (@to_tap, @to_wire);

# Takes what has come to a link.
sub take {
    my ($from, $queue) = @_;
    while (defined(my $length = sysread($from, my $frame, $LARGEST_FRAME))) {
        last unless $length;
        push @$queue, [time + $delay, $frame] if @$queue < $MOST_WAITING;
    }
}

# Gives what is due; a frame that the other side does not take is lost, as on any wire.
sub give {
    my ($queue, $to) = @_;
    syswrite($to, (shift @$queue)->[1]) while @$queue && $queue->[0][0] <= time;
}

while (1) {
    my ($next) = sort { $a <=> $b } map { $_->[0][0] } grep { @$_ } \@to_tap, \@to_wire;
    my $wait = defined $next ? $next - time : undef;
    $wait = 0 if defined $wait && $wait < 0;
    my $ready = '';
    vec($ready, fileno($_), 1) = 1 for $tap, $wire;
    select($ready, undef, undef, $wait);
    take($wire, \@to_tap);
    take($tap,  \@to_wire);
    give(\@to_tap,  $tap);
    give(\@to_wire, $wire);
}
