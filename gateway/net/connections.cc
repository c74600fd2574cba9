#include "gateway/net/connections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

#include "gateway/net/connection.h"

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

}  // namespace

Connections::Connections(Loop& loop, const Options& options, ProtocolFactory factory)
    : loop_(loop),
      options_(options),
      factory_(std::move(factory)),
      read_buffer_(std::make_unique_for_overwrite<std::byte[]>(kReadBuffer)) {}

Connections::~Connections() {
  close_all();
}

void Connections::add(UniqueFd socket, std::string peer, const tls::Context* context,
                      std::size_t listener) {
  loop_.assert_here();
  set_options(socket.get(), options_);
  Connection::Greeting greeting{
      .id = next_id_++, .peer = std::move(peer), .listener = listener, .first = {}};
  auto connection =
      std::make_unique<Connection>(*this, std::move(socket), std::move(greeting), context);
  live_.push_back(*connection.release());
  ++size_;
  counters_.accepted.add();
  counters_.open.add();
}

bool Connections::flush() {
  loop_.assert_here();
  read_on();
  flush_dirty();
  shake_hands();
  sweep();
  resumed_.take_all(unread_);
  return !dirty_.empty() || !resumed_.empty() || !shaking_.empty();
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

void Connections::close_all() {
  loop_.assert_here();
  while (!live_.empty()) live_.front().close_now();
  sweep();
}

}  // namespace sluice::net
