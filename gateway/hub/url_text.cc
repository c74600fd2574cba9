#include "gateway/hub/url_text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <bitset>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/utf8.h"

namespace sluice::hub {
namespace {

using Bytes = std::bitset<256>;

constexpr std::uint8_t byte_of(char c) {
  return static_cast<std::uint8_t>(c);
}

Bytes with(Bytes set, std::string_view more) {
  for (const char c : more) set.set(byte_of(c));
  return set;
}

const Bytes& set_of(EncodeSet set) {
  static const auto sets = [] {
    Bytes control;
    for (std::size_t c = 0; c < control.size(); ++c) control[c] = c <= 0x1F || c > 0x7E;
    const Bytes query = with(control, " \"#<>");
    const Bytes path = with(query, "?^`{}");
    return std::array{control, with(control, " \"<>`"), query, with(query, "'"),
                      path,    with(path, "/:;=@[\\]|")};
  }();
  return sets.at(static_cast<std::size_t>(set));
}

/// The whole of `text` as a number.
std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Broken escapes stand for themselves (URL §1.3).
std::string percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code =
        text[i] == '%' && i + 2 < text.size() ? number(text.substr(i + 1, 2), 16) : std::nullopt;
    result += code ? static_cast<char>(*code) : text[i];
    if (code) i += 2;
  }
  return result;
}

/// One number of an IPv4 address: decimal, 0x hexadecimal or 0 octal.
std::optional<std::uint64_t> ipv4_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  } else if (text.size() > 1 && text[0] == '0') {
    text.remove_prefix(1);
    base = 8;
  }
  return text.empty() ? std::optional<std::uint64_t>(0) : number(text, base);
}

std::vector<std::string_view> labels_of(std::string_view name) {
  std::vector<std::string_view> labels;
  for (std::size_t dot = 0; dot != std::string_view::npos;) {
    dot = name.find('.');
    labels.push_back(name.substr(0, dot));
    if (dot != std::string_view::npos) name.remove_prefix(dot + 1);
  }
  if (labels.size() > 1 && labels.back().empty()) labels.pop_back();
  return labels;
}

/// URL §3.5, "ends in a number": then it is an IPv4 address or nothing.
bool looks_like_ipv4(std::string_view name) {
  const std::string_view last = labels_of(name).back();
  const bool digits = !last.empty() && std::all_of(last.begin(), last.end(), is_digit);
  return digits || ((last.starts_with("0x") || last.starts_with("0X")) && ipv4_number(last));
}

std::optional<std::string> ipv4(std::string_view name) {
  const auto labels = labels_of(name);
  if (labels.size() > 4) return std::nullopt;
  std::uint64_t address = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto part = ipv4_number(labels[i]);
    const bool is_last = i + 1 == labels.size();
    // The last one fills all the bytes that are left.
    const std::uint64_t limit = is_last ? std::uint64_t{1} << (8 * (5 - labels.size())) : 256;
    if (!part || *part >= limit) return std::nullopt;
    address += is_last ? *part : *part << (8 * (3 - i));
  }
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255,
                     address & 255);
}

/// What stands between the brackets, with its longest run of zeros as "::".
std::optional<std::string> ipv6(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  if (text.find('\0') != std::string::npos) return std::nullopt;
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return std::nullopt;
  const auto piece = [&](std::size_t i) { return bytes[2 * i] * 256U + bytes[2 * i + 1]; };
  std::size_t run = 8;
  std::size_t length = 1;  // A single zero is written out.
  for (std::size_t from = 0, to = 0; from < 8; from = to + 1) {
    for (to = from; to < 8 && piece(to) == 0;) ++to;
    if (to - from > length) {
      run = from;
      length = to - from;
    }
  }
  std::string result;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run) {
      result += i == 0 ? "::" : ":";
      i += length - 1;
      continue;
    }
    result += fmt::format("{:x}", piece(i));
    if (i < 7) result += ':';
  }
  return result;
}

bool is_dot(std::string_view segment) {
  return segment == "." || (segment.size() == 3 && to_lower(segment) == "%2e");
}

bool is_double_dot(std::string_view segment) {
  if (segment.size() < 2 || segment.size() > 6) return false;
  const std::string text = to_lower(segment);
  return text == ".." || text == ".%2e" || text == "%2e." || text == "%2e%2e";
}

}  // namespace

std::string percent_encode(std::string_view text, EncodeSet set) {
  const Bytes& escaped = set_of(set);
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (escaped[byte_of(c)]) {
      fmt::format_to(std::back_inserter(result), "%{:02X}", byte_of(c));
    } else {
      result += c;
    }
  }
  return result;
}

bool is_special(std::string_view scheme) {
  return std::find(std::begin(kSpecialSchemes), std::end(kSpecialSchemes), scheme) !=
         std::end(kSpecialSchemes);
}

std::string_view default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return "80";
  if (scheme == "https" || scheme == "wss") return "443";
  return scheme == "ftp" ? "21" : "";
}

std::optional<std::string> canonical_scheme(std::string_view text) {
  const auto may_stand = [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; };
  if (text.empty() || !is_alpha(text[0]) || !std::all_of(text.begin(), text.end(), may_stand)) {
    return std::nullopt;
  }
  return to_lower(text);
}

std::optional<std::string> canonical_host(std::string_view text, bool is_special) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return std::nullopt;
    const auto address = ipv6(std::string(text.substr(1, text.size() - 2)));
    return address ? std::optional("[" + *address + "]") : std::nullopt;
  }
  auto name = canonical_name(text, is_special);
  if (!name || !is_special) return name;
  if (name->empty()) return std::nullopt;
  return looks_like_ipv4(*name) ? ipv4(*name) : std::move(name);
}

std::optional<std::string> canonical_name(std::string_view text, bool is_special) {
  static const Bytes opaque_refuses = with({}, {"\0\t\n\r #/:<>?@[\\]^|", 17});
  static const Bytes name_refuses = [] {
    Bytes set = with(opaque_refuses, "%\x7F");
    for (std::size_t c = 0; c <= 0x1F; ++c) set.set(c);
    return set;
  }();
  const std::string name = is_special ? to_lower(percent_decoded(text)) : std::string(text);
  const Bytes& refused = is_special ? name_refuses : opaque_refuses;
  const bool is_good = is_utf8(name) && std::none_of(name.begin(), name.end(),
                                                     [&](char c) { return refused[byte_of(c)]; });
  if (!is_good) return std::nullopt;
  return percent_encode(name, EncodeSet::control);
}

std::optional<std::string> canonical_port(std::string_view digits) {
  const auto port = number(digits, 10);
  if (!port || *port > 65535) return std::nullopt;
  return std::to_string(*port);
}

void append_path(std::string& path, std::string_view text, bool is_special) {
  const std::string_view separators = is_special ? "/\\" : "/";
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = text.find_first_of(separators);
    const std::string_view segment = text.substr(0, end);
    const bool is_last = end == std::string_view::npos;
    if (is_double_dot(segment)) shorten_path(path);
    if (!is_dot(segment) && !is_double_dot(segment)) {
      path += '/';
      path += percent_encode(segment, EncodeSet::path);
    } else if (is_last) {
      path += '/';
    }
    if (!is_last) text.remove_prefix(end + 1);
  }
}

void shorten_path(std::string& path) {
  const std::size_t slash = path.rfind('/');
  path.erase(slash == std::string::npos ? 0 : slash);
}

std::string without_line_breaks(std::string_view text) {
  std::string result(text);
  std::erase_if(result, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
  return result;
}

}  // namespace sluice::hub
