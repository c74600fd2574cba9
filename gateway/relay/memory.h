/// Memory: where a worker's relayed streams live, apart from the requests that began them.
///
/// Owner   Relay; it outlives all of them, and the sessions with upstreams. Thread  its worker's.
#pragma once

#include "gateway/base/slab.h"
#include "gateway/h2/memory.h"

namespace sluice::relay {

struct Memory {
  Memory();
  /// Now and then: gives back what bursts have not needed since the last time.
  void tidy();

  Slab passages;
  Slab readers;         ///< Of what is shared or replayed.
  Slab openings;        ///< Of both, until they are answered.
  Slab pending_calls;   ///< The same of UpstreamCalls.
  Slab h1_sessions;     ///< With upstreams.
  Slab pieces;          ///< Of ByteQueues.
  h2::SharedMemory h2;  ///< Of sessions with upstreams.
};

}  // namespace sluice::relay
