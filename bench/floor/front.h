/// Front: one client's connection to the least proxy, and its streams.
///
/// Owner   the Proxy; destroyed only when no turn is running.
/// Thread  one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/floor/back.h"
#include "bench/floor/proxy.h"
#include "bench/floor/reader.h"

namespace sluice::bench {

class Front final : public Reader {
 public:
  Front(Proxy& proxy, Wire wire)
      : Reader(proxy.poller(), std::move(wire), proxy.buffer()), proxy_(proxy) {}

  [[nodiscard]] Proxy& proxy() const { return proxy_; }
  /// What is appended to it is written behind this turn.
  std::string& out();
  void flush();
  /// Lets go what is closed.
  void sweep();

 private:
  std::string on_request(const Frame& headers) override;
  void on_reset(std::uint32_t stream) override;
  void on_closed() override { proxy_.mark_closed(); }

  Proxy& proxy_;
  std::vector<std::unique_ptr<Back>> backs_;
  std::string out_;
};

}  // namespace sluice::bench
