/// Fault and Places: what is wrong in a configuration file, and where its keys stand.
///
/// Thread  plain values.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace sluice::server {

/// Something wrong in a configuration file: the key, what is wrong, what would be right.
struct Fault {
  std::string file;
  int line = 0;  ///< From 1; 0: the file as a whole.
  int column = 0;
  std::string message;
};
/// "FILE:LINE:COL: message".
[[nodiscard]] std::string to_string(const Fault& fault);

struct Place {
  int line = 1;
  int column = 1;
};

/// Where each key stands in the file: "tls.key", "listen[0].address".
using Places = std::map<std::string, Place, std::less<>>;

/// What stands in the file for each of them, in one form.
using Texts = std::map<std::string, std::string, std::less<>>;

/// The place of the first of `keys` that is in the file; the file's beginning when none is.
Place place_of(const Places& places, std::initializer_list<std::string_view> keys);

}  // namespace sluice::server
