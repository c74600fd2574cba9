/// Knows httplib, as client.cc does, and as no other file.

#include "gateway/server/jwks_fetch.h"

#include <chrono>
#include <fcntl.h>
#include <httplib.h>
#include <memory>
#include <mutex>
#include <sys/socket.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/jwk.h"
#include "gateway/base/c_handle.h"
#include "gateway/server/client_wire.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectTime = 3s;
constexpr auto kReadTime = 5s;  ///< Between two pieces of the answer.
constexpr int kMaxRedirects = 3;

/// One exchange: its answer, or where else to ask.
struct Got {
  JwksAnswer answer;
  int status = 0;
  std::string location;
};

/// The socket of an exchange, for who has to cut it off from another thread. httplib's own stop()
/// waits until the connection is made. A duplicate: whatever httplib closes, and whoever is given
/// that number next, this one is of the same socket.
class Line {
 public:
  void open(int socket) {
    const std::scoped_lock lock(mutex_);
    socket_.reset(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
    if (is_cut_) shut();
  }
  void cut() {
    const std::scoped_lock lock(mutex_);
    is_cut_ = true;
    shut();
  }

 private:
  /// Ends whatever waits for the socket: a connection that is being made, too, or is yet to be.
  void shut() const {
    if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
  }

  std::mutex mutex_;
  UniqueFd socket_;
  bool is_cut_ = false;
};

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::unique_ptr<httplib::ClientImpl> make_client(const Url& url) {
  std::unique_ptr<httplib::ClientImpl> client;
  if (url.is_tls) {
    auto tls = std::make_unique<httplib::SSLClient>(url.host, url.port);
    tls->enable_server_certificate_verification(true);
    client = std::move(tls);
  } else {
    client = std::make_unique<httplib::ClientImpl>(url.host, url.port);
  }
  client->set_url_encode(false);  // It is encoded.
  client->set_follow_location(false);
  client->set_connection_timeout(kConnectTime);
  client->set_read_timeout(kReadTime);
  client->set_write_timeout(kReadTime);
  return client;
}

Result<Got> get(const Url& url, const std::stop_token& stop) {
  const auto client = make_client(url);
  Line line;
  client->set_socket_options([&line](socket_t socket) { line.open(socket); });
  const std::stop_callback on_stop(stop, [&line] { line.cut(); });
  const auto begun = std::chrono::steady_clock::now();
  Got got;
  bool is_too_large = false;
  bool is_too_slow = false;
  const std::string target = url.query.empty() ? url.path : url.path + '?' + url.query;
  const auto on_head = [&](const httplib::Response& response) {
    got.status = response.status;
    got.location = response.get_header_value("location");
    got.answer.max_age = max_age_of(response.get_header_value("cache-control"));
    return got.status == 200;
  };
  const auto on_body = [&](const char* data, std::size_t size) {
    is_too_slow = std::chrono::steady_clock::now() - begun > kFetchTime;
    is_too_large = got.answer.text.size() + size > auth::kMaxJwksBytes;
    if (is_too_large || is_too_slow) return false;
    got.answer.text.append(data, size);
    return true;
  };
  const auto result = client->Get(
      target, {{"Accept", "application/jwk-set+json, application/json"}}, on_head, on_body);
  if (stop.stop_requested()) return fail(Errc::io, "it was cut off");
  if (is_too_large) {
    return fail(Errc::limit,
                fmt::format("the answer is larger than {}", format_size(auth::kMaxJwksBytes)));
  }
  if (is_too_slow) return fail(Errc::io, "the answer comes too slowly");
  if (got.status != 0 && got.status != 200) return got;
  if (!result) {
    return fail(Errc::io, fmt::format("no answer from {}: {}", url.authority(),
                                      httplib::to_string(result.error())));
  }
  return got;
}

}  // namespace

Result<JwksAnswer> fetch_jwks(const std::string& url, const std::stop_token& stop) {
  auto at = parse_url(url);
  for (int redirects = 0; at; ++redirects) {
    auto got = get(*at, stop);
    if (!got) return tl::unexpected(got.error());
    if (got->status == 200) return std::move(got->answer);
    if (!is_redirect(got->status)) {
      return fail(Errc::io, fmt::format("{} answered {}", at->authority(), got->status));
    }
    if (redirects == kMaxRedirects) return fail(Errc::limit, "too many redirects");
    const bool was_tls = at->is_tls;
    at = parse_url(got->location);
    if (!at || at->is_tls != was_tls || !check_jwks_url(got->location)) {
      return fail(Errc::io, fmt::format("a redirect to \"{}\" is not followed", got->location));
    }
  }
  return tl::unexpected(at.error());
}

}  // namespace sluice::server
