/// What one worker's hub counts. Written by the worker, read by any thread.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::hub {

struct Counters {
  Counter events;       ///< Taken from the journal.
  Counter deliveries;   ///< Events handed to readers whole, one per reader.
  Counter gaps;         ///< Gap events handed to readers.
  Counter fell_behind;  ///< Live readers that became lagging.
  Counter conflated;    ///< Events left out because a newer one stood for them.
  Counter dropped;      ///< Events that slow readers lost by the policy `drop`.
  Counter closed_slow;  ///< Readers ended by the policy `close`.
  Counter pages;        ///< Asked of the journal's history.
  Counter page_events;  ///< Got from it.
  Counter page_errors;  ///< Pages that it could not read; their readers were ended.
  Counter subscribed;   ///< Subscriptions begun.
  Gauge subscriptions;
  Gauge lagging;   ///< Readers that read from history now.
  Gauge fetching;  ///< Readers that wait for a page.
  Gauge held;      ///< Readers that wait until history is read again.
  Gauge channels;
  Gauge window_events;
  Gauge window_bytes;
};

}  // namespace sluice::hub
