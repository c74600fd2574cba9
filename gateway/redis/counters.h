/// What the Redis journal counts beside journal/counters.h. Written by its thread, read by any.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::redis {

struct Counters {
  Gauge links;       ///< Up, of four.
  Counter connects;  ///< Links that came up.
  Counter losses;    ///< Links that were lost, and tries that failed.
  Counter moves;     ///< Times that the history was found at another server than before.
  Counter followed;  ///< Events taken from the stream.
  Counter calls;     ///< Of the script, to append.
  Counter again;     ///< Of these, repeated because it was not known what became of them.
  Counter unknown;   ///< Publish requests of which it could not be said whether they were kept.
  Counter breaks;    ///< Times that the history was found to be another one, or to have a hole.
  Counter fetches;   ///< Ranges read for history.
  Gauge instances;   ///< That share the stream, this one too.
  Counter orphans;   ///< Entries of instances that are gone, which fell to this one.
  Counter unlisted;  ///< Entries of this one that could not be written at once.
};

}  // namespace sluice::redis
