/// What no single option can tell: whether a configuration as a whole can work.
///
/// Thread  main, before start.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/server/config.h"

namespace sluice::server {

struct Place {
  int line = 1;
  int column = 1;
};

/// Where each key stands in the file: "tls.key", "listen[0].address".
using Places = std::map<std::string, Place, std::less<>>;

/// The place of the first of `keys` that is in the file; the file's beginning when none is.
Place place_of(const Places& places, std::initializer_list<std::string_view> keys);

/// As a browser sends it: scheme://host[:port].
[[nodiscard]] bool is_origin(std::string_view text);

/// `config` holds valid values; its file names are resolved.
std::vector<Fault> check(const Config& config, const Places& places);

}  // namespace sluice::server
