# Hears what a service tells its supervisor: binds the datagram socket that the first argument names ("@name" is in no
# file system), prints "listening", then a line for each message, in which newlines are " | ", until one is "end".
# With "deaf" as the second argument it reads nothing until its standard input ends.
use strict;
use warnings;
use IO::Handle;
use Socket;

my ($name, $deaf) = @ARGV;
my $path = $name =~ s/^@/\0/r;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, pack_sockaddr_un($path)) or die "bind: $!";
STDOUT->autoflush(1);
print "listening\n";
if ($deaf) { 1 while <STDIN> }
my $message = "";
while (defined(recv($socket, $message, 65536, 0)) && $message ne "end") {
  print $message =~ s/\n/ | /gr, "\n";
}
