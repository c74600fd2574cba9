/// Knows httplib, as jwks_fetch.cc does, and as no other file.

#include "gateway/server/client.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <httplib.h>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/file.h"
#include "gateway/server/client_stream.h"
#include "gateway/server/client_wire.h"
#include "gateway/server/files.h"
#include "gateway/server/state.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

constexpr Millis kDefaultRetry{3'000};  ///< A browser's, until the stream says otherwise.
constexpr std::size_t kMaxEvent = 64_MiB;
constexpr std::size_t kMaxExcuse = 1'000;  ///< Of an answer that says why not, so much is shown.

int failed(std::string_view command, std::string_view what) {
  fmt::print(stderr, "sluice {}: {}\n", command, what);
  return 1;
}

StateFiles local_files() {
  return state_files(state_directory().value_or(""));
}

struct Token {
  std::string text;    ///< Empty: there is none.
  std::string origin;  ///< Where it is from, for somebody whose token is refused.
};

Result<Token> find_token(const ClientAccess& access, bool may_use_state) {
  const auto read = [](const std::string& file) {
    return read_input(file).map(as_secret).map([&](const std::string& text) {
      return Token{text, file};
    });
  };
  if (!access.token.empty()) return Token{access.token, "--token"};
  if (!access.token_file.empty()) return read(access.token_file);
  if (auto given = environment("SLUICE_TOKEN"); !given.empty()) {
    return Token{std::move(given), "$SLUICE_TOKEN"};
  }
  return may_use_state ? read(local_files().publisher_token).value_or(Token{}) : Token{};
}

using HttpClient = std::unique_ptr<httplib::ClientImpl>;

/// `certificate` empty: whom the system trusts.
HttpClient make_client(const Url& url, const std::string& certificate, bool insecure) {
  HttpClient client;
  if (url.is_tls) {
    auto tls = std::make_unique<httplib::SSLClient>(url.host, url.port);
    tls->enable_server_certificate_verification(!insecure);
    if (!certificate.empty()) tls->set_ca_cert_path(certificate);
    client = std::move(tls);
  } else {
    client = std::make_unique<httplib::ClientImpl>(url.host, url.port);
  }
  client->set_url_encode(false);  // It is encoded.
  client->set_connection_timeout(10s);
  client->set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  });
  return client;
}

std::string find_certificate(const Url& url, const ClientAccess& access) {
  if (!access.ca_file.empty() || !url.is_local()) return access.ca_file;
  const std::string own = local_files().certificate;
  return ::access(own.c_str(), R_OK) == 0 ? own : "";
}

/// Where to, and as whom.
struct Peer {
  Url url;
  Token token;
  HttpClient client;

  [[nodiscard]] httplib::Headers headers() const {
    httplib::Headers headers;
    if (!token.text.empty()) headers.emplace("Authorization", "Bearer " + token.text);
    return headers;
  }
};

Result<Peer> make_peer(const std::string& address, const ClientAccess& access, bool may_use_state) {
  auto url = parse_url(address);
  if (!url) return tl::unexpected(url.error());
  auto token = find_token(access, may_use_state && url->is_local());
  if (!token) return tl::unexpected(token.error());
  if (token->text.find_first_of("\r\n ") != std::string::npos) {
    return fail(Errc::invalid, "the token has blanks or line ends in it");
  }
  const std::string certificate = find_certificate(*url, access);
  if (!certificate.empty() && ::access(certificate.c_str(), R_OK) != 0) {
    return fail(Errc::not_found, fmt::format("cannot read the CA file {}", certificate));
  }
  HttpClient client = make_client(*url, certificate, access.insecure);
  return Peer{std::move(*url), std::move(*token), std::move(client)};
}

std::string explain(httplib::Error error, const Url& url) {
  switch (error) {
    case httplib::Error::SSLServerVerification:
      return fmt::format(
          "the certificate of {} is not trusted; give --ca FILE, or --insecure to "
          "take any",
          url.authority());
    case httplib::Error::SSLConnection:
      return fmt::format("no TLS with {}; is it an http:// address?", url.authority());
    case httplib::Error::SSLLoadingCerts:
      return "the CA file holds no certificate";
    case httplib::Error::ConnectionTimeout:
      return fmt::format("cannot connect to {}: nothing answered in time", url.authority());
    case httplib::Error::Connection:
      return fmt::format("cannot connect to {}", url.authority());
    default: {
      // What a listener with TLS makes of clear text: it closes, before or after all was written.
      const bool is_closed = error == httplib::Error::Read || error == httplib::Error::Write;
      const bool is_maybe_tls = is_closed && !url.is_tls;
      return fmt::format("the connection to {} broke: {}{}", url.authority(),
                         httplib::to_string(error),
                         is_maybe_tls ? "; is it an https:// address?" : "");
    }
  }
}

/// False when trying again cannot help. A server that restarts may break a handshake, too.
bool is_passing(httplib::Error error, bool has_worked) {
  if (error == httplib::Error::SSLConnection) return has_worked;
  return error != httplib::Error::SSLServerVerification && error != httplib::Error::SSLLoadingCerts;
}

/// "403 from localhost:8443: the token does not allow this".
std::string explain(int status, std::string text, const Url& url) {
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  return fmt::format("{} from {}{}{}", status, url.authority(), text.empty() ? "" : ": ", text);
}

}  // namespace

Result<std::string> fetch(const std::string& address, const std::string& target, Millis patience) {
  const auto url = parse_url(address);
  if (!url) return tl::unexpected(url.error());
  const HttpClient client = make_client(*url, find_certificate(*url, {}), false);
  client->set_read_timeout(patience);
  const auto since = std::chrono::steady_clock::now();
  const auto answer = client->Get(target);
  // httplib calls it by the same name when a peer is silent and when it breaks off.
  if (answer.error() == httplib::Error::Read &&
      std::chrono::steady_clock::now() - since >= patience) {
    return fail(Errc::io, fmt::format("{} did not answer in time, within {}", url->authority(),
                                      format_duration(patience)));
  }
  if (answer.error() == httplib::Error::SSLServerVerification) {
    return fail(Errc::io, fmt::format("the certificate of {} is not trusted; give the address of "
                                      "[admin], as in http://127.0.0.1:9090",
                                      url->authority()));
  }
  if (!answer) return fail(Errc::io, explain(answer.error(), *url));
  if (answer->status == 200) return answer->body;
  return fail(Errc::io, explain(answer->status, answer->body.substr(0, kMaxExcuse), *url));
}

namespace {

// --- publish ---------------------------------------------------------------------------------

/// What is wrong, and where the token was from when that may be it.
int refused(const Peer& peer, int status, const std::string& text) {
  std::string what = explain(status, text.substr(0, kMaxExcuse), peer.url);
  if (peer.token.text.empty()) {
    what += "\nno token was sent; give --token or --token-file, or set SLUICE_TOKEN";
  } else if (status == 401 || status == 403) {
    what += "\nthe token was from " + peer.token.origin;
  }
  return failed("publish", what);
}

/// Sends one request and prints the ids; returns the exit status.
int publish_one(Peer& peer, const PublishCommand& command, const Result<Post>& post) {
  if (!post) return failed("publish", post.error().what);
  httplib::Headers headers = peer.headers();
  if (!command.idempotency_key.empty()) {
    headers.emplace("Idempotency-Key", command.idempotency_key);
  }
  const auto answer = peer.client->Post(post->target, headers, post->body, post->content_type);
  if (!answer) return failed("publish", explain(answer.error(), peer.url));
  if (answer->status < 200 || answer->status > 299) {
    return refused(peer, answer->status, answer->body);
  }
  fmt::print("{}", printed_ids(answer->body, !command.batch_file.empty()));
  std::fflush(stdout);
  return 0;
}

/// All of stdin in one request; each acknowledgement is printed as it comes.
int publish_stream(const Peer& peer, const PublishCommand& command) {
  const auto target = make_stream(peer.url, command);
  if (!target) return failed("publish", target.error().what);
  std::string error;
  std::string last;
  bool is_whole = false;
  const auto on_event = [&](sse::Message&& message) {
    if (message.type == "error") error = std::move(message.data);
    if (message.type != "ack") return;
    is_whole = true;
    if (message.data == last) return;
    last = std::move(message.data);
    fmt::print("{}\n", last);
    std::fflush(stdout);
  };
  const auto answer = stream_events({.url = peer.url,
                                     .target = *target,
                                     .token = peer.token.text,
                                     .idempotency_key = command.idempotency_key,
                                     .ca_file = find_certificate(peer.url, command.access),
                                     .is_insecure = command.access.insecure},
                                    STDIN_FILENO, on_event);
  if (!answer) return failed("publish", answer.error().what);
  if (answer->status != 200) return refused(peer, answer->status, answer->text);
  if (!error.empty()) return failed("publish", error);
  return is_whole ? 0 : failed("publish", "the gateway did not acknowledge anything");
}

/// The final line end is the shell's, not the text's.
std::string data_from_stdin() {
  std::string data{std::istreambuf_iterator<char>(std::cin), {}};
  if (data.ends_with('\n')) data.pop_back();
  return data;
}

// --- subscribe -------------------------------------------------------------------------------

/// One subscription over its reconnects, as a browser's EventSource has it.
class Subscription {
 public:
  Subscription(Peer peer, std::string target, const SubscribeCommand& command)
      : peer_(std::move(peer)),
        target_(std::move(target)),
        command_(command),
        last_id_(command.last_event_id) {
    peer_.client->set_read_timeout(24h);  // Streams may be silent for as long as they like.
  }

  int run() {
    for (;;) {
      if (const auto status = connect()) return *status;
      std::this_thread::sleep_for(retry_);
    }
  }

 private:
  /// Reads a stream to its end. Returns the exit status, or none: come back.
  std::optional<int> connect();
  [[nodiscard]] std::optional<int> verdict(httplib::Error error) const;
  void show(sse::Message&& message);

  Peer peer_;
  const std::string target_;
  const SubscribeCommand& command_;
  std::string last_id_;
  Millis retry_ = kDefaultRetry;
  std::size_t shown_ = 0;
  bool has_worked_ = false;  ///< There was an answer once.
  bool is_done_ = false;
  // Of the answer at hand.
  int status_ = 0;
  std::string content_type_;
  std::string excuse_;
};

std::optional<int> Subscription::connect() {
  httplib::Headers headers = peer_.headers();
  headers.emplace("Accept", "text/event-stream");
  headers.emplace("Cache-Control", "no-cache");
  if (!last_id_.empty()) headers.emplace("Last-Event-ID", last_id_);
  sse::Parser parser({[this](sse::Message&& message) { show(std::move(message)); },
                      [this](Millis retry) { retry_ = retry; },
                      [] { failed("subscribe", "skipped an event that is too large"); }},
                     kMaxEvent);
  status_ = 0;
  excuse_.clear();
  const auto on_head = [this](const httplib::Response& head) {
    status_ = head.status;
    has_worked_ = true;
    content_type_ = head.get_header_value("Content-Type");
    return true;
  };
  const auto on_body = [&](const char* bytes, std::size_t size) {
    if (status_ != 200) {
      excuse_.append(bytes, std::min(size, kMaxExcuse - excuse_.size()));
      return excuse_.size() < kMaxExcuse;
    }
    if (!content_type_.starts_with("text/event-stream")) return false;
    parser.feed({bytes, size});
    if (!parser.last_id().empty()) last_id_ = parser.last_id();
    return !is_done_;
  };
  const auto answer = peer_.client->Get(target_, headers, on_head, on_body);
  return verdict(answer.error());
}

std::optional<int> Subscription::verdict(httplib::Error error) const {
  if (is_done_ || status_ == 204) return 0;
  if (status_ == 0) {
    const std::string what = explain(error, peer_.url);
    if (!is_passing(error, has_worked_)) return failed("subscribe", what);
    fmt::print(stderr, "sluice subscribe: {}; trying again in {}\n", what, format_duration(retry_));
    return std::nullopt;
  }
  if (status_ != 200) return failed("subscribe", explain(status_, excuse_, peer_.url));
  if (!content_type_.starts_with("text/event-stream")) {
    return failed("subscribe", fmt::format("{} answered with \"{}\", not with an event stream",
                                           peer_.url.authority(), content_type_));
  }
  return std::nullopt;
}

void Subscription::show(sse::Message&& message) {
  if (is_done_) return;
  if (message.id.empty()) message.id = last_id_;
  const std::string text = printed(message, command_.json);
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  // A reader that has gone, as in `… | head`, has had enough.
  is_done_ = !is_written || ++shown_ == command_.count;
}

extern "C" void end_well(int) {
  ::_exit(0);
}

}  // namespace

int run(const PublishCommand& command) {
  std::signal(SIGPIPE, SIG_IGN);
  auto peer = make_peer(command.url, command.access, /*may_use_state=*/true);
  if (!peer) return failed("publish", peer.error().what);
  if (command.idempotency_key.find_first_of("\r\n") != std::string::npos) {
    return failed("publish", "--idempotency-key must be one line");
  }
  if (command.stream) return publish_stream(*peer, command);
  if (!command.batch_file.empty()) {
    auto json = command.batch_file == "-" ? Result<std::string>(data_from_stdin())
                                          : read_input(command.batch_file);
    if (!json) return failed("publish", json.error().what);
    return publish_one(*peer, command, make_batch(peer->url, command, std::move(*json)));
  }
  return publish_one(
      *peer, command,
      make_post(peer->url, command, command.data ? *command.data : data_from_stdin()));
}

int run(const SubscribeCommand& command) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, end_well);
  std::signal(SIGTERM, end_well);
  // A token that fits the development default would only be refused by another hub.
  auto peer = make_peer(command.url, command.access, /*may_use_state=*/false);
  if (!peer) return failed("subscribe", peer.error().what);
  auto target = make_subscription(peer->url, command);
  if (!target) return failed("subscribe", target.error().what);
  if (command.last_event_id.find_first_of("\r\n") != std::string::npos) {
    return failed("subscribe", "--last-event-id must be one line");
  }
  return Subscription(std::move(*peer), std::move(*target), command).run();
}

}  // namespace sluice::server
