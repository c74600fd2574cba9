#include "gateway/redis/url.h"

#include <charconv>
#include <optional>
#include <system_error>

namespace sluice::redis {
namespace {

template <class T>
bool read_number(std::string_view digits, T& number) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} && end == digits.data() + digits.size();
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    unsigned code = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) return std::nullopt;
    plain.push_back(static_cast<char>(code));
    i += 2;
  }
  return plain;
}

/// What stands before the '@'. False: it is no user and password.
bool read_login(std::string_view login, RedisUrl& url) {
  const std::size_t colon = login.find(':');
  const auto user = percent_decoded(login.substr(0, colon));
  const auto password = percent_decoded(colon == std::string_view::npos ? std::string_view()
                                                                        : login.substr(colon + 1));
  if (!user || !password) return false;
  url.user = *user;
  url.password = *password;
  return true;
}

}  // namespace

/// The URL is not repeated in what is said of it: it may hold a password.
Result<RedisUrl> parse_redis_url(std::string_view text) {
  RedisUrl url;
  std::string_view rest = text;
  if (rest.starts_with("rediss://")) {
    url.is_tls = true;
    rest.remove_prefix(9);
  } else if (rest.starts_with("redis://")) {
    rest.remove_prefix(8);
  } else {
    return fail(Errc::invalid,
                "this is no URL of a Redis server, as in \"redis://127.0.0.1:6379/0\" or "
                "\"rediss://user@redis.example:6380\"");
  }
  if (rest.find_first_of("?# \\") != rest.npos) {
    return fail(Errc::invalid, "this URL has more than a login, a host, a port and a database");
  }
  if (const std::size_t at = rest.rfind('@'); at != rest.npos) {
    if (!read_login(rest.substr(0, at), url)) {
      return fail(Errc::invalid,
                  "before the '@' stands no user and password; write signs that mean something in "
                  "a URL as %XX");
    }
    rest.remove_prefix(at + 1);
  }
  if (const std::size_t slash = rest.find('/'); slash != rest.npos) {
    const std::string_view number = rest.substr(slash + 1);
    if (!number.empty() && !read_number(number, url.database)) {
      return fail(Errc::invalid,
                  "behind the '/' stands no number of a database; in a password write / as %2F");
    }
    rest = rest.substr(0, slash);
  }
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == rest.npos ? 0 : bracket);
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("[]") != host.npos)
    return fail(Errc::invalid, "this URL names no host");
  url.host = host;
  if (colon == rest.npos) return url;
  if (!read_number(rest.substr(colon + 1), url.port) || url.port == 0) {
    return fail(Errc::invalid, "this URL has no port from 1 to 65535");
  }
  return url;
}

}  // namespace sluice::redis
