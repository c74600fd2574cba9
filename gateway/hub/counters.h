/// What one worker's hub counts. Written by the worker, read by any thread.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::hub {

struct Counters {
  Counter events;       ///< Taken from the journal.
  Counter deliveries;   ///< Events handed to readers whole, one per reader.
  Counter gaps;         ///< Gap events handed to readers.
  Counter fell_behind;  ///< Live readers that became lagging.
  Counter subscribed;   ///< Subscriptions begun.
  Gauge subscriptions;
  Gauge lagging;  ///< Readers that read from history now.
  Gauge channels;
  Gauge window_events;
  Gauge window_bytes;
};

}  // namespace sluice::hub
