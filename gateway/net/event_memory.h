/// Memory for libevent's notes on descriptors, apart from everything else's.
///
/// For each descriptor that was ever in a loop libevent keeps 32 bytes until the loop is gone.
/// Each is allocated when a connection comes, in the midst of what that connection needs; when all
/// of them have left, each of those notes still holds a page of 4 KiB. Here they are side by side,
/// with all else of 32 bytes and less that libevent asks for: 64 MiB of addresses, of which only
/// what was ever used is memory, and which are not given back.
///
/// Thread     any.
/// Errors     none: when the region is full or cannot be had, malloc serves.
#pragma once

namespace sluice::net {

/// Makes libevent allocate from here. Before its first allocation; further calls do nothing.
void use_event_memory();

}  // namespace sluice::net
