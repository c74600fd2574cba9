/// Memory for libevent's notes on descriptors, apart from everything else's.
///
/// For each descriptor that was ever in a loop libevent keeps 32 bytes until the loop is gone.
/// Each is allocated when a connection comes, in the midst of what that connection needs; when all
/// of them have left, each of those notes still holds a page of 4 KiB. Here they are side by side.
///
/// Thread     any.
/// Errors     none: when the region is full or cannot be had, malloc serves.
#pragma once

namespace sluice::net {

/// Makes libevent allocate from here. Before its first allocation; further calls do nothing.
void use_event_memory();

}  // namespace sluice::net
