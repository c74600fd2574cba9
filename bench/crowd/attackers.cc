#include "bench/crowd/attackers.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <fmt/core.h>

namespace sluice::bench {
namespace {

constexpr std::size_t kComing = 4;  ///< In one turn.
constexpr int kLittle = 2'048;      ///< What the kernel of one who reads nothing takes for it.
constexpr std::int32_t kShut = 64;  ///< The window of a stream that starves.

enum class Kind : std::size_t { mute, half_hello, half_head, half_body, unread, starving, count };

Kind kind_of(std::size_t place) {
  return static_cast<Kind>(place % static_cast<std::size_t>(Kind::count));
}

std::string frame(char kind, char flags, std::size_t stream, std::string_view payload) {
  std::string bytes;
  for (const auto shift : {16U, 8U, 0U})
    bytes += static_cast<char>((payload.size() >> shift) & 0xffU);
  bytes += kind;
  bytes += flags;
  for (const auto shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>((stream >> shift) & 0xffU);
  return bytes.append(payload);
}

/// HTTP/2 in clear text, without a look at what the server says: 15 QUERYs whose bodies do not end,
/// as much of each as its window takes.
std::string half_queries(const std::string& authority) {
  const auto literal = [](std::string name, std::string_view value) {
    return name.append(1, static_cast<char>(value.size())).append(value);
  };
  // RFC 7541 §6: :scheme http, and names of the static table with values of their own.
  const auto head = literal("\x02", "QUERY") + "\x86" + literal("\x04", "/.well-known/mercure") +
                    literal("\x01", authority) +
                    literal("\x0f\x10", "application/x-www-form-urlencoded");
  const std::string body(16'000, 'a');
  auto words = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "");
  for (std::size_t stream = 1; stream < 30; stream += 2) {
    words += frame(1, 4, stream, head);
    for (int i = 0; i < 4; ++i) words += frame(0, 0, stream, body);
  }
  return words;
}

std::string words_of(Kind kind, const Url& url) {
  const std::string head = "host: " + url.authority() + "\r\n";
  switch (kind) {
    case Kind::half_hello:  // The first 12 bytes of a record of 512.
      return std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00", 12);
    case Kind::half_head:
      return "GET /events/bench/0 HTTP/1.1\r\n" + head + "x-more: " + std::string(24'000, 'a');
    case Kind::half_body:
      return half_queries(url.authority());
    case Kind::unread:
      return "GET /events/bench/0 HTTP/1.1\r\n" + head + "last-event-id: earliest\r\n\r\n";
    case Kind::mute:
    case Kind::starving:
    case Kind::count:
      break;
  }
  return {};
}

}  // namespace

/// One that says what it has to say, and then waits to be sent away.
class Attackers::Raw final : public Watcher {
 public:
  Raw(const Poller& poller, const Url& url, Kind kind)
      : poller_(poller), fd_(connect_to(url)), words_(words_of(kind, url)) {
    if (!fd_) return;
    if (kind == Kind::unread) {
      setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &kLittle, sizeof kLittle);
    }
    poller_.add(fd_, this, EPOLLOUT | EPOLLRDHUP);
  }
  [[nodiscard]] bool is_gone() const { return !fd_; }

 private:
  void on_ready(std::uint32_t epoll_events) override {
    if ((epoll_events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) return close();
    if ((epoll_events & EPOLLOUT) == 0) return;
    const auto sent = send(fd_.get(), words_.data() + said_, words_.size() - said_, MSG_NOSIGNAL);
    if (sent > 0) said_ += static_cast<std::size_t>(sent);
    if (said_ == words_.size()) poller_.change(fd_, this, EPOLLRDHUP);
  }
  void close() { fd_ = Fd(); }

  const Poller& poller_;
  Fd fd_;
  const std::string words_;
  std::size_t said_ = 0;
};

Attackers::Attackers(const CrowdOptions& options, const Poller& poller)
    : options_(options), starving_options_(options.load), places_(options.attackers) {
  starving_options_.streams = kStreams;
  starving_options_.connections = 1;
  starving_options_.stream_window = kShut;
  audience_ = std::make_unique<Audience>(starving_options_);
  audience_->has_slow = true;
  audience_->last_event_id = "earliest";
  audience_->plan = [path = options.load.subscribe.path](std::size_t) {
    return StreamPlan{.path = path + "/0", .pace = Pace::none};
  };
  poller.add(audience_->poller, this);
}

Attackers::~Attackers() = default;

void Attackers::on_ready(std::uint32_t) {
  audience_->poller.turn(0, 1);
}

bool Attackers::is_gone(const Place& place) {
  if (place.starving) return place.starving->is_closed();
  return !place.raw || place.raw->is_gone();
}

void Attackers::come(std::size_t place) {
  attempts_ += 1;
  const auto kind = kind_of(place);
  const auto address = fmt::format("127.0.1.{}", place % kAddresses + 1);
  places_[place] = {};
  if (kind == Kind::starving) {
    starving_options_.subscribe.source = address;
    places_[place].starving = std::make_unique<Subscriber>(*audience_, 0);
    return;
  }
  const bool is_by_tls = kind == Kind::mute || kind == Kind::half_hello;
  Url url = is_by_tls ? options_.load.subscribe : options_.publish;
  url.source = address;
  places_[place].raw = std::make_unique<Raw>(audience_->poller, url, kind);
}

void Attackers::proceed() {
  std::size_t came = 0;
  for (std::size_t looked = 0; looked < places_.size() && came < kComing; ++looked) {
    const auto place = next_++ % places_.size();
    if (!is_gone(places_[place])) continue;
    come(place);
    came += 1;
  }
  is_eager_ = came == kComing;
}

void Attackers::leave() {
  for (auto& place : places_) place = {};
  is_eager_ = false;
}

}  // namespace sluice::bench
