#include "gateway/h1/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "gateway/base/ascii.h"

namespace sluice::h1 {
namespace {

constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < 128; ++i) table[i] = is_alnum(static_cast<char>(i));
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool is_token_char(char c) {
  return kTokenChars[static_cast<unsigned char>(c)];
}

bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7F);
}

std::optional<std::string_view> check_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return "folded header field";
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "header field without a colon";
  if (!is_token(line.substr(0, colon))) return "malformed header field name";
  if (!is_value(line.substr(colon))) return "control character in a header field";
  return std::nullopt;
}

void add_members(std::string_view list, std::vector<std::string_view>& members) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    if (!trimmed(item).empty()) members.push_back(trimmed(item));
  }
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_value_char);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find("\r\n"));
  text.remove_prefix(line.size() + 2);
  return line;
}

std::optional<FieldFault> check_field_lines(std::string_view text, std::size_t max_fields) {
  std::size_t fields = 0;
  for (auto line = take_line(text); !line.empty(); line = take_line(text)) {
    if (++fields > max_fields) return FieldFault{"too many header fields", true};
    if (const auto reason = check_field_line(line)) return FieldFault{*reason};
  }
  return std::nullopt;
}

Framing::Framing(const std::vector<http::Field>& fields) {
  for (const http::Field& field : fields) {
    if (field.name == "host") hosts.emplace_back(field.value);
    if (field.name == "content-length") lengths.emplace_back(field.value);
    if (field.name == "transfer-encoding") codings.emplace_back(field.value);
    if (field.name == "expect") expectations.emplace_back(field.value);
    if (field.name == "connection") add_members(field.value, connection);
  }
}

bool Framing::names(std::string_view member) const {
  return std::any_of(connection.begin(), connection.end(),
                     [&](std::string_view item) { return equals_ignoring_case(item, member); });
}

std::optional<std::string_view> read_length(const Framing& framing, int minor_version,
                                            BodyLength& length) {
  if (!framing.codings.empty()) {
    if (!framing.lengths.empty()) return "both content-length and transfer-encoding";
    if (framing.codings.size() != 1 || !equals_ignoring_case(framing.codings.front(), "chunked")) {
      return "the only transfer-encoding is chunked";
    }
    if (minor_version == 0) return "transfer-encoding in HTTP/1.0";
    length.is_chunked = true;
  } else if (!framing.lengths.empty()) {
    const std::string_view text = framing.lengths.front();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (framing.lengths.size() != 1 || error != std::errc() || end != text.data() + text.size()) {
      return "malformed content-length";
    }
    length.content_length = value;
  }
  return std::nullopt;
}

bool keeps_alive(const Framing& framing, int minor_version) {
  return !framing.names("close") && (minor_version == 1 || framing.names("keep-alive"));
}

}  // namespace sluice::h1
