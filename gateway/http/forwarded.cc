#include "gateway/http/forwarded.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"

namespace sluice::http {
namespace {

constexpr int kAddressBits = 128;
constexpr int kMappedBits = 96;  ///< Of the prefix ::ffff:0:0/96, where IPv4 lives.
constexpr std::size_t kMaxHost = 320;

using Bytes = std::array<std::uint8_t, 16>;

struct Address {
  Bytes bytes{};
  bool is_v4 = false;
};

std::optional<Address> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.empty() || text.size() >= copy.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), copy.begin());
  Address address{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
  if (::inet_pton(AF_INET, copy.data(), &address.bytes[12]) == 1) {
    address.is_v4 = true;
    return address;
  }
  if (::inet_pton(AF_INET6, copy.data(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

/// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80": the address, in
/// its usual form; none for anything else.
std::optional<std::string> parse_node(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == text.npos) return std::nullopt;
    const std::string_view behind = text.substr(end + 1);
    if (!behind.empty() && (behind.front() != ':' || !is_port(behind.substr(1)))) {
      return std::nullopt;
    }
    text = text.substr(1, end - 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const std::size_t colon = text.find(':');
    if (!is_port(text.substr(colon + 1))) return std::nullopt;
    text = text.substr(0, colon);
  }
  const auto address = parse_address(text);
  if (!address) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> shown{};
  constexpr Bytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool is_mapped = std::equal(kMapped.begin(), kMapped.begin() + 12, address->bytes.begin());
  if (is_mapped) {
    ::inet_ntop(AF_INET, &address->bytes[12], shown.data(), shown.size());
  } else {
    ::inet_ntop(AF_INET6, address->bytes.data(), shown.data(), shown.size());
  }
  return std::string(shown.data());
}

/// "https" of "HTTPS"; empty for what is neither that nor "http".
std::string parse_scheme(std::string_view text) {
  std::string scheme = to_lower(text);
  return scheme == "https" || scheme == "http" ? scheme : "";
}

/// `text`, if it can be an authority; else empty.
std::string parse_host(std::string_view text) {
  const bool is_host =
      text.size() <= kMaxHost && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alnum(c) || std::string_view("-._~%:[]").find(c) != std::string_view::npos;
      });
  return is_host ? std::string(text) : "";
}

/// What one server says of who called it.
struct Element {
  std::string node;
  std::string scheme;
  std::string host;
};

/// The pieces of `text` between `separator`s that stand in no quotes.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  bool is_quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_quoted && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      is_quoted = !is_quoted;
    } else if (text[at] == separator && !is_quoted) {
      pieces.push_back(trimmed(text.substr(begin, at - begin)));
      begin = at + 1;
    }
  }
  pieces.push_back(trimmed(text.substr(begin)));
  return pieces;
}

/// RFC 9110 §5.6.4. What is half quoted stays as it is, and is then no address.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string result;
  for (std::size_t at = 1; at + 1 < text.size(); ++at) {
    if (text[at] == '\\' && at + 2 < text.size()) ++at;
    result += text[at];
  }
  return result;
}

/// `for=192.0.2.43;proto=https;by=…` (RFC 7239 §4).
Element parse_element(std::string_view text) {
  Element element;
  for (const std::string_view pair : split(text, ';')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    const std::string value = unquoted(pair.substr(std::min(equals + 1, pair.size())));
    if (equals_ignoring_case(name, "for")) element.node = value;
    if (equals_ignoring_case(name, "proto")) element.scheme = value;
    if (equals_ignoring_case(name, "host")) element.host = value;
  }
  return element;
}

/// The members of a list that may be spread over several fields: the last kMaxHops of them. Each
/// field is read by itself, so that a quote left open in one swallows nothing of the next.
std::vector<std::string_view> members(const Headers& headers, std::string_view name) {
  std::vector<std::string_view> all;
  for (const Field& field : headers) {
    if (field.name != name) continue;
    const auto pieces = split(field.value, ',');
    all.insert(all.end(), pieces.begin(), pieces.end());
  }
  if (all.size() > kMaxHops) all.erase(all.begin(), all.end() - kMaxHops);
  return all;
}

/// The member that says of the hop `from_last` places before the end; of a list that does not go
/// with the chain, the last: our peer said that.
std::string_view member_of(const std::vector<std::string_view>& list, std::size_t chain,
                           std::size_t from_last) {
  if (list.empty()) return {};
  return list.size() == chain ? list[list.size() - 1 - from_last] : list.back();
}

std::vector<Element> chain_of_x_forwarded(const Headers& headers) {
  const auto nodes = members(headers, "x-forwarded-for");
  const auto schemes = members(headers, "x-forwarded-proto");
  const auto hosts = members(headers, "x-forwarded-host");
  std::vector<Element> chain;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::size_t from_last = nodes.size() - 1 - i;
    chain.push_back({.node = std::string(nodes[i]),
                     .scheme = std::string(member_of(schemes, nodes.size(), from_last)),
                     .host = std::string(member_of(hosts, nodes.size(), from_last))});
  }
  return chain;
}

std::vector<Element> chain_of(const Headers& headers) {
  if (headers.has("x-forwarded-for")) return chain_of_x_forwarded(headers);
  std::vector<Element> chain;
  for (const std::string_view text : members(headers, "forwarded")) {
    chain.push_back(parse_element(text));
  }
  return chain;
}

}  // namespace

std::optional<Bytes> address_bytes(std::string_view text) {
  const auto address = parse_address(text);
  return address ? std::optional(address->bytes) : std::nullopt;
}

Result<Networks> Networks::parse(std::span<const std::string> texts) {
  Networks result;
  for (const std::string& text : texts) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const auto address = parse_address(std::string_view(text).substr(0, slash));
    const int most = address && address->is_v4 ? kAddressBits - kMappedBits : kAddressBits;
    int bits = most;
    bool is_good = address.has_value();
    if (slash < text.size()) {
      const char* end = text.data() + text.size();
      const auto [last, error] = std::from_chars(text.data() + slash + 1, end, bits);
      is_good = is_good && error == std::errc() && last == end && bits >= 0 && bits <= most;
    }
    if (!is_good) {
      return fail(
          Errc::invalid,
          fmt::format("\"{}\" is no network: write 10.0.0.0/8, 2001:db8::/32 or an address", text));
    }
    result.networks_.push_back({address->bytes, kAddressBits - most + bits});
  }
  return result;
}

bool Networks::contains(std::string_view address) const {
  const auto bytes = address_bytes(address);
  return bytes && contains(*bytes);
}

bool Networks::contains(const Bytes& bytes) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    const auto whole = static_cast<std::size_t>(network.bits / 8);
    const int rest = network.bits % 8;
    if (!std::equal(bytes.begin(), bytes.begin() + whole, network.address.begin())) return false;
    return rest == 0 || ((bytes[whole] ^ network.address[whole]) >> (8 - rest)) == 0;
  });
}

Forwarded read_forwarded(const Request& request, std::string_view peer, const Networks& trusted) {
  Forwarded result{.client = std::string(peer),
                   .scheme = request.scheme,
                   .host = request.authority,
                   .hops = {},
                   .peer = std::string(peer)};
  if (!trusted.contains(peer)) return result;
  const std::vector<Element> chain = chain_of(request.headers);
  for (auto element = chain.rbegin(); element != chain.rend(); ++element) {
    auto node = parse_node(element->node);
    if (!node) break;
    if (element != chain.rbegin()) result.hops.insert(result.hops.begin(), result.client);
    result.client = std::move(*node);
    // What was said by the one who saw this client.
    if (auto scheme = parse_scheme(element->scheme); !scheme.empty()) {
      result.scheme = std::move(scheme);
    }
    if (auto host = parse_host(element->host); !host.empty()) result.host = std::move(host);
    if (!trusted.contains(result.client)) break;
  }
  return result;
}

}  // namespace sluice::http
