#include "gateway/redis/place.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

namespace sluice::redis {
namespace {

std::optional<std::uint16_t> read_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) return {};
  return port;
}

/// "3999 10.0.0.1:6379": an IPv6 address has no brackets here. Redis 7 may add "hostname=…".
std::string_view place_in(std::string_view refusal) {
  const std::size_t slot = refusal.find(' ');
  const std::size_t place = slot == refusal.npos ? slot : refusal.find(' ', slot + 1);
  if (place == refusal.npos) return {};
  const std::string_view rest = refusal.substr(place + 1);
  return rest.substr(0, rest.find(' '));
}

}  // namespace

std::string Place::text() const {
  const bool is_ipv6 = host.find(':') != host.npos;
  return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<Place> parse_place(std::string_view text, std::uint16_t port) {
  const auto wrong = [&] {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is no address, as in \"10.0.0.1:{}\", \"[fd00::1]:{}\" or "
                            "\"redis-1.example:{}\"",
                            text, port, port, port));
  };
  std::string_view host = text;
  std::string_view digits;
  const std::size_t bracket = text.find(']');
  const std::size_t colon = text.find(':', bracket == text.npos ? 0 : bracket);
  if (colon != text.npos) {
    host = text.substr(0, colon);
    digits = text.substr(colon + 1);
  }
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("[]/@ ") != host.npos) return wrong();
  const auto given = colon == text.npos ? std::optional(port) : read_port(digits);
  if (!given) return wrong();
  return Place{std::string(host), *given};
}

std::optional<Place> moved_to(std::string_view refusal, const Place& node) {
  if (!refusal.starts_with("MOVED ")) return std::nullopt;
  const std::string_view place = place_in(refusal);
  const std::size_t colon = place.rfind(':');
  if (colon == place.npos) return std::nullopt;
  const auto port = read_port(place.substr(colon + 1));
  const std::string_view host = place.substr(0, colon);
  if (!port || host == "?") return std::nullopt;
  return Place{host.empty() ? node.host : std::string(host), *port};
}

bool is_on_its_way(std::string_view refusal) {
  return refusal.starts_with("ASK ") || refusal.starts_with("TRYAGAIN");
}

std::string explain_refusal(std::string_view refusal) {
  if (refusal.starts_with("ASK ")) {
    return fmt::format(
        "its slot of the cluster is on its way to {}, which is waited for; if it stays so: "
        "redis-cli --cluster fix",
        place_in(refusal));
  }
  if (refusal.starts_with("TRYAGAIN")) {
    return "its slot of the cluster is on its way to another node, which is waited for; if it "
           "stays so: redis-cli --cluster fix";
  }
  if (refusal.starts_with("CLUSTERDOWN")) {
    return fmt::format("the cluster is down ({}): see redis-cli --cluster check", refusal);
  }
  if (refusal.starts_with("MOVED ")) {
    return fmt::format("the node of the cluster names no other ({}): see cluster-announce-ip",
                       refusal);
  }
  return std::string(refusal);
}

}  // namespace sluice::redis
