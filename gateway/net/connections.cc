#include "gateway/net/connections.h"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "gateway/base/assert.h"
#include "gateway/net/connection.h"
#include "gateway/net/dial.h"

namespace sluice::net {
namespace {

constexpr std::size_t kReadBuffer = 32_KiB;

void set_options(int fd, const Connections::Options& options) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.notsent_lowat > 0) {
    ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &options.notsent_lowat,
                 sizeof options.notsent_lowat);
  }
  const auto limit = static_cast<unsigned int>(options.user_timeout.count());
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
}

/// A peer that is gone without a word sends nothing that would fail, and a stream may be silent
/// for hours.
void keep_alive(int fd, const Connections::Options& options) {
  const auto interval = static_cast<int>(options.keep_alive.count());
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
}

/// It is one of the last: those are for who accepts, or nobody could look why all are gone.
/// Descriptors are given from the lowest on.
bool is_spare(int fd) {
  constexpr rlim_t kSpare = 16;
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
         static_cast<rlim_t>(fd) + kSpare >= limit.rlim_cur;
}

}  // namespace

Connections::Connections(Loop& loop, const Options& options, ProtocolFactory factory,
                         Doorkeeper* doorkeeper)
    : loop_(loop),
      options_(options),
      factory_(std::move(factory)),
      doorkeeper_(doorkeeper),
      memory_(sizeof(Connection)),
      greetings_(Connection::greeting_size()),
      read_buffer_(std::make_unique_for_overwrite<std::byte[]>(kReadBuffer)),
      release_(loop, [] {}) {}

Connections::~Connections() {
  close_all();
}

void Connections::add(UniqueFd socket, std::string peer,
                      std::shared_ptr<const tls::Context> context, std::size_t listener,
                      Proxied proxied) {
  loop_.assert_here();
  SLUICE_ASSERT(factory_ != nullptr, "nobody makes protocols for connections that are added");
  set_options(socket.get(), options_);
  Connection::Greeting greeting{.id = next_id_++,
                                .peer = std::move(peer),
                                .listener = listener,
                                .context = std::move(context),
                                .first = {},
                                .dial = {}};
  if (proxied != Proxied::no) greeting.proxy = std::make_unique<ProxyHeader>();
  greeting.is_stranger = proxied == Proxied::refused;
  counters_.accepted.add();
  auto connection = make_in<Connection>(memory_, *this, std::move(socket));
  Connection& added = *connection;
  take_in(std::move(connection));
  added.greet(std::move(greeting));
}

void Connections::dial(Dial dial) {
  loop_.assert_here();
  SLUICE_ASSERT(dial.opened && dial.failed, "a dial has nobody to tell");
  counters_.dials.add();
  const SocketAddress& to = dial.address;
  if (dial.server_name.empty()) dial.server_name = to.host();
  UniqueFd socket(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int error = socket ? 0 : errno;
  if (socket && is_spare(socket.get())) {
    socket.reset();
    error = EMFILE;
  }
  if (socket) {
    set_options(socket.get(), options_);
    keep_alive(socket.get(), options_);
    // Before connect(): the window that it allows is agreed then.
    if (const int most = options_.receive_buffer; most > 0) {
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &most, sizeof most);
    }
    if (::connect(socket.get(), to.data(), to.size()) != 0 && errno != EINPROGRESS) error = errno;
  }
  Connection::Greeting greeting{.id = next_id_++,
                                .peer = to.to_string(),
                                .listener = 0,
                                .context = nullptr,
                                .first = {},
                                .dial = {},
                                .error = error};
  greeting.dial = std::make_unique<Dial>(std::move(dial));
  take_in(make_in<Connection>(memory_, *this, std::move(socket), std::move(greeting)));
}

void Connections::take_in(std::unique_ptr<Connection> connection) {
  live_.push_back(*connection.release());
  ++size_;
  counters_.open.add();
}

bool Connections::flush() {
  loop_.assert_here();
  read_on();
  if (release()) {
    const TimePoint begin = loop_.clock().now();
    flush_dirty();
    paced_flush_ = loop_.clock().now() - begin;
  } else {
    flush_dirty();
  }
  shake_hands();
  sweep();
  resumed_.take_all(unread_);
  return has_work();
}

bool Connections::has_work() const {
  return !dirty_.empty() || !resumed_.empty() || !unread_.empty() || !shaking_.empty() ||
         !dying_.empty();
}

bool Connections::may_complain() {
  if (loop_.now() < next_complaint_) return false;
  next_complaint_ = loop_.now() + std::chrono::seconds(1);
  return true;
}

// --- Who waits to be let in ----------------------------------------------------------------------

void Connections::let_wait_outside(Connection& connection) {
  if (static_cast<std::size_t>(counters_.waiting.value()) >= options_.waiting_room) {
    counters_.waiting_overflow.add();
    // Of a room without places that is the newcomer itself.
    (waiting_.empty() ? connection : waiting_.front()).send_away();
    if (!connection.is_waiting()) return;
  }
  counters_.waiting.add();
  waiting_.push_back(connection);
  if (!ask_again_.is_armed()) loop_.wheel().arm(ask_again_, loop_.now() + kAskAgain);
}

void Connections::ask_doorkeeper() {
  waiting_.for_each([](Connection& connection) { connection.ask_again(); });
  if (!waiting_.empty()) loop_.wheel().arm(ask_again_, loop_.now() + kAskAgain);
}

void Connections::empty_waiting_room() {
  while (!waiting_.empty()) waiting_.front().send_away();
}

// --- Who has to go -------------------------------------------------------------------------------

void Connections::read_newcomers(Newcomers which) {
  if (which == newcomers_) return;
  newcomers_ = which;
  holds_newcomers_ = true;
  if (which != Newcomers::all) {
    live_.for_each([](Connection& connection) { connection.hold(); });
  }
  released_at_once_ = kFew;
  which == Newcomers::none ? release_more_.cancel() : release_newcomers();
}

/// Behind a shortage all at once would bring the next one before anybody had looked.
void Connections::release_newcomers() {
  std::size_t left = released_at_once_;
  live_.for_each([&left](Connection& connection) {
    if (left > 0 && connection.release()) --left;
  });
  if (newcomers_ == Newcomers::all) {
    holds_newcomers_ = left == 0;
    released_at_once_ *= 2;
  }
  if (holds_newcomers_) loop_.wheel().arm(release_more_, loop_.now() + kReleaseMore);
}

std::size_t Connections::drain_idle(Duration at_least, std::size_t most) {
  struct Idle {
    TimePoint since;
    Protocol* protocol;
  };
  std::vector<Idle> idle;
  const TimePoint latest = loop_.now() - at_least;
  for_each([&](Protocol& protocol) {
    const auto since = protocol.idle_since();
    if (since && *since <= latest) idle.push_back({*since, &protocol});
  });
  most = std::min(most, idle.size());
  const auto end = idle.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(idle.begin(), end, idle.end(),
                   [](const Idle& one, const Idle& other) { return one.since < other.since; });
  std::for_each(idle.begin(), end, [](const Idle& each) {
    each.protocol->drain_notice();
    each.protocol->drain_finish();
  });
  counters_.drained_idle.add(most);
  return most;
}

std::size_t Connections::close_stuck(Duration at_least) {
  std::size_t closed = 0;
  live_.for_each([&](Connection& connection) {
    if (connection.close_if_stuck(loop_.now() - at_least)) ++closed;
  });
  counters_.closed_stuck.add(closed);
  return closed;
}

/// Who comes later is written to with the first: they were written to together, mostly.
void Connections::let_wait(Connection& connection, TimePoint due) {
  counters_.paced.add();
  if (paced_.empty()) release_at_ = due;
  paced_.push_back(connection);
}

Duration Connections::rest() {
  if (paced_.empty()) return Duration::zero();
  // Work that is cut into turns would have a rest in each.
  if (!loop_.self_posted().empty()) return Duration::zero();
  const Duration left = std::max(release_at_ - loop_.now(), Duration(1));
  if (!loop_.is_hurried()) return std::min(left, kRest);
  // It counts by a coarser clock, and may come too soon: then it is set anew.
  if (!release_.is_running()) release_.start(left);
  return Duration::zero();
}

bool Connections::release() {
  if (paced_.empty() || loop_.now() < release_at_) return false;
  dirty_.take_all(paced_);
  return true;
}

void Connections::read_on() {
  IntrusiveList<Connection, UnreadTag> ready;
  ready.take_all(resumed_);
  while (!ready.empty()) ready.pop_front().read_on();
}

void Connections::flush_dirty() {
  // What becomes dirty meanwhile has its turn in the next turn: one that always has something
  // to say cannot keep the loop here.
  IntrusiveList<Connection, DirtyTag> ready;
  ready.take_all(dirty_);
  while (!ready.empty()) ready.pop_front().flush();
}

void Connections::shake_hands() {
  for (std::size_t i = 0; i < options_.handshakes_per_turn && !shaking_.empty(); ++i) {
    --shaking_size_;
    shaking_.pop_front().shake_hands();
  }
}

void Connections::sweep() {
  while (!dying_.empty()) {
    const std::unique_ptr<Connection> done(&dying_.pop_front());
    --size_;
    counters_.closed.add();
    counters_.open.sub();
  }
}

void Connections::for_each(const std::function<void(Protocol&)>& f) {
  live_.for_each([&f](Connection& connection) {
    if (Protocol* protocol = connection.speaking()) f(*protocol);
  });
}

void Connections::look_over(std::size_t most, const std::function<bool(Protocol&)>& look) {
  loop_.assert_here();
  for (std::size_t i = std::min(most, size_); i > 0 && !live_.empty(); --i) {
    Connection& connection = live_.pop_front();
    live_.push_back(connection);
    Protocol* const protocol = connection.speaking();
    if (protocol != nullptr && look(*protocol)) connection.close_now(Hangup::ordered);
  }
}

void Connections::close_all() {
  loop_.assert_here();
  while (!live_.empty()) live_.front().close_now(Hangup::cut);
  sweep();
}

}  // namespace sluice::net
