/// A certificate for this machine alone, for development.
///
/// Thread  any.
#pragma once

#include <chrono>
#include <string>

#include "gateway/base/result.h"

namespace sluice::tls {

/// Writes an ECDSA P-256 key (0600) and a certificate for localhost, *.localhost, 127.0.0.1 and
/// ::1, good for 397 days (browsers take no more). Each file appears whole or not at all.
Result<void> make_self_signed(const std::string& certificate_file, const std::string& key_file);

/// True when the first certificate in `file` ends within `time`, or cannot be read.
bool expires_within(const std::string& file, std::chrono::hours time);

}  // namespace sluice::tls
