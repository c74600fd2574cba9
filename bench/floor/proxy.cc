#include "bench/floor/proxy.h"

#include <sys/epoll.h>
#include <utility>

#include <fmt/core.h>

#include "bench/floor/front.h"

namespace sluice::bench {
namespace {

/// The most that one DATA frame and one TLS record hold: what is read at once fits into it.
constexpr std::size_t kBuffer = 16'384;
constexpr std::uint64_t kTurn = 3'600'000'000'000;

}  // namespace

Proxy::Proxy(const Options& options)
    : options_(options),
      tls_(server_context(options.certificate.c_str(), options.key.c_str())),
      listener_(listen_on_loopback(options.tls_port)),
      door_(*this),
      buffer_(kBuffer) {
  poller_.add(listener_, &door_, EPOLLIN);
}

Proxy::~Proxy() = default;

std::string Proxy::ready_line() const {
  return fmt::format("ready https://127.0.0.1:{}", port_of(listener_));
}

void Proxy::run() {
  for (;;) {
    poller_.turn(kTurn);
    for (auto* front : std::exchange(marked_, {})) front->flush();
    if (std::exchange(has_closed_, false)) sweep();
  }
}

void Proxy::accept() {
  while (auto fd = accept_from(listener_)) {
    fronts_.push_back(std::make_unique<Front>(*this, Wire::tls_server(std::move(fd), tls_.get())));
  }
}

void Proxy::sweep() {
  std::erase_if(fronts_, [](const auto& front) { return front->is_closed(); });
  for (const auto& front : fronts_) front->sweep();
}

}  // namespace sluice::bench
