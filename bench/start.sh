#!/usr/bin/env bash
# Times starts of the published daemon on a state directory that is configured and was
# running, from the fork to the first data key. bench/README.md says how to read it.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'TEXT'
usage: bench/start.sh [--binary PATH] [N]
  N              starts after the first one; default 15
  --binary PATH  the daemon; default artifacts/linux-x64/kms-sidecar
TEXT
}

starts=15
option() { [[ $1 =~ ^[1-9][0-9]*$ ]] && starts=$1; }
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

admin() { # ROUTE BODY
  curl --silent --fail --output /dev/null --unix-socket "$work/admin.sock" --data "$2" "http://localhost/rustfs/admin/v3/kms/$1"
}

flags=(--state-dir "$work/state" --socket "$work/kms.sock" --admin-socket "$work/admin.sock")
serve "${flags[@]}"
until_ready "$!" admin configure "{\"backend_type\":\"local\",\"key_dir\":\"$work/keys\",\"default_key_id\":\"k\"}"
admin start '{}'
stop "${pids[-1]}"
rm -r "$work/state/derived-keys"

# One process starts the daemon and asks, over and over: a fork for each try would cost more than what is measured.
perl - "$starts" "$work/kms.sock" "$binary" serve --listen none "${flags[@]}" 2>>"$work/daemon.log" <<'PERL'
use strict;
use Socket;
use Time::HiRes qw(time sleep);

my ($starts, $path, @command) = @ARGV;
my $request = "POST /v1/generate-data-key HTTP/1.1\r\nHost: kms\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

sub gives_a_data_key {
    socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die $!;
    connect($socket, pack_sockaddr_un($path)) or return 0;
    syswrite($socket, $request);
    sysread($socket, my $answer, 4096) or return 0;
    return $answer =~ m{^HTTP/1\.1 200};
}

sub run { # what to wait for, or undef for the end; a command
    my ($until, @what) = @_;
    my $begun = time;
    my $pid = fork // die $!;
    if (!$pid) { %ENV = (); open STDOUT, '>', '/dev/null'; exec @what or die $! }
    if ($until) {
        sleep 0.0003 until $until->() or time > $begun + 30;
        my $took = time - $begun;
        kill TERM => $pid;
        waitpid $pid, 0;
        die "not ready\n" if $took >= 30 or $?;
        return 1000 * $took;
    }
    waitpid $pid, 0;
    return 1000 * (time - $begun);
}

sub summary {
    my @sorted = sort { $a <=> $b } @_;
    return sprintf '%.1f (%.1f–%.1f)', $sorted[$#sorted / 2], $sorted[0], $sorted[-1];
}

my $first = run(\&gives_a_data_key, @command);
my (@later, @versions);
for (1 .. $starts) {
    push @later, run(\&gives_a_data_key, @command);
    push @versions, run(undef, $command[0], '--version');
}
print "| first start, ms | later starts, ms | `--version`, ms |\n| ---: | ---: | ---: |\n";
printf "| %.1f | %s | %s |\n", $first, summary(@later), summary(@versions);
PERL
