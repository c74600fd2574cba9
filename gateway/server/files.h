/// Small files of secrets, read and written whole; and the environment.
///
/// Thread  main: before start, and at a reload.
/// Errors  name the file and the system's reason.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::server {

/// A regular file, as_secret().
Result<std::string> read_secret_file(const std::string& path);
/// Without the white space at its end, which editors leave behind.
std::string as_secret(std::string text);
/// For the owner's eyes only (0600). Appears whole or not at all.
Result<void> write_private_file(const std::string& path, std::string_view text);
/// The value of an environment variable; empty when it is not set.
std::string environment(const char* name);
/// The same as a number; none: it is not set, or is no number.
std::optional<std::uint64_t> environment_number(const char* name);

}  // namespace sluice::server
