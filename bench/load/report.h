/// The report of a run: for people on stdout, for programs as JSON.
#pragma once

#include <string>

#include "bench/load/run.h"

namespace sluice::bench {

/// A few lines that say what was asked, what it cost and what went wrong.
std::string report_text(const Run& run);
/// The same and more; README.md says what each figure means.
std::string report_json(const Run& run);

}  // namespace sluice::bench
