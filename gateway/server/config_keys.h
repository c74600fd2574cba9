/// An entry of `publisher_keys` or `subscriber_keys`, as keys.
///
/// Thread  main, before start.
/// Errors  Errc::invalid, or that of a file, with a sentence for the operator.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "gateway/auth/key.h"
#include "gateway/base/result.h"
#include "gateway/server/config_table.h"
#include "gateway/server/jwks.h"

namespace sluice::server {

struct LoadedKeys {
  std::vector<auth::Key> keys;
  std::optional<JwksSource> jwks;  ///< Instead of keys: where to fetch them.
};

/// File names are relative to `folder`.
Result<LoadedKeys> load_keys(const KeyEntry& entry, const std::filesystem::path& folder);

}  // namespace sluice::server
