/// What heads of both directions have in common: the form of a field line, and the fields that say
/// how the message is framed (RFC 9112 §5, §6).
///
/// Thread  plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/http/headers.h"

namespace sluice::h1 {

/// RFC 9110 §5.6.2: what methods and names of fields are made of.
bool is_token(std::string_view text);
/// What a value may hold: no control characters but the tab.
bool is_value(std::string_view text);
std::string_view trimmed(std::string_view text);

/// The next line of `text`, without its CR LF, which is there.
std::string_view take_line(std::string_view& text);

struct FieldFault {
  std::string_view reason;  ///< Static.
  bool is_too_many = false;
};
/// `text`: field lines that end in CR LF, then an empty line.
std::optional<FieldFault> check_field_lines(std::string_view text, std::size_t max_fields);

/// Everything about the fields that decides how the message is framed and whom it is for. The views
/// are into the fields that it was made of; their names are in lower case.
struct Framing {
  explicit Framing(const std::vector<http::Field>& fields);
  /// `connection` names it.
  [[nodiscard]] bool names(std::string_view member) const;

  std::vector<std::string_view> hosts;
  std::vector<std::string_view> lengths;
  std::vector<std::string_view> codings;
  std::vector<std::string_view> expectations;
  std::vector<std::string_view> connection;  ///< Its members.
};

struct BodyLength {
  bool is_chunked = false;
  std::optional<std::uint64_t> content_length{};
};
/// RFC 9112 §6; both fields at once are the classic of smuggling. Returns what is wrong; static.
std::optional<std::string_view> read_length(const Framing& framing, int minor_version,
                                            BodyLength& length);
/// RFC 9112 §9.3.
bool keeps_alive(const Framing& framing, int minor_version);

}  // namespace sluice::h1
