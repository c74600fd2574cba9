/// Rows that [[route]] and [[upstream]] have in common, and names of headers.
///
/// Thread  main, before start.
#pragma once

#include <string>
#include <string_view>

#include "gateway/server/config_rows.h"

namespace sluice::server {

/// RFC 9110 §5.6.2.
[[nodiscard]] bool is_token(std::string_view text);
/// What may stand behind a header's name.
[[nodiscard]] bool is_field_value(std::string_view text);
/// In lower case. Those of the connection and of the framing are the gateway's own: refused.
Result<std::string> field_name(std::string_view text);

template <class Owner, class At>
Row<Owner> field_names(std::string_view key, std::string_view help, At at) {
  Row<Owner> row = Make<Owner>::list(key, help, at);
  row.set = [=, list = row.set](Owner& owner, const Value& value) -> Result<void> {
    if (auto done = list(owner, value); !done) return done;
    for (std::string& name : at(owner)) {
      auto lower = field_name(name);
      if (!lower) return tl::unexpected(lower.error());
      name = std::move(*lower);
    }
    return {};
  };
  return row;
}

template <class Owner>
Row<Owner> wire_row(std::string_view help) {
  return Make<Owner>::template choice<relay::Wire>(
      "protocol",
      {{"auto", relay::Wire::any}, {"http/1.1", relay::Wire::h1}, {"h2", relay::Wire::h2}}, help,
      SLUICE_AT(wire));
}

}  // namespace sluice::server
