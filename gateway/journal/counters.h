/// What the file journal counts. Each part is written by one thread, and read by any.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::journal {

struct WriterCounters {
  Gauge events;  ///< Held now.
  Gauge bytes;   ///< Of them, in the file; see record_cost().
  Gauge file_bytes;
  Counter appended;
  Counter repeats;
  Counter groups;   ///< Transactions that stored events.
  Counter refused;  ///< Batches whose publishers were told that nothing was stored.
  Counter removed;  ///< Events that history no longer had to hold.
  Counter syncs;
  Histogram commit;  ///< Time of a commit; with Sync::always the disk's.
};

struct ReaderCounters {
  Counter pages;
  Counter events;  ///< In these pages.
  Counter cache_hits;
  Counter cache_misses;
  Counter damaged;  ///< Events that could not be read, once each.
};

struct Counters {
  WriterCounters writer;
  ReaderCounters reader;
};

}  // namespace sluice::journal
