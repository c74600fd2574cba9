/// SourceCall: what a Source needs of its upstream: one request at a time, and its answer.
///
/// In the program it is an UpstreamCall (live_call.h); tests have their own.
///
/// Owner   its Source. Thread  its worker's.
/// Invariant as UpstreamCall's: none of the owner's functions is called from inside one of these,
///          and nothing comes after on_complete(), on_broken() or stop().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/http/client.h"
#include "gateway/http/exchange.h"
#include "gateway/relay/upstream_call.h"

namespace sluice::relay {

class SourceCall {
 public:
  class Owner {
   public:
    virtual void on_answer(http::Response head, std::optional<std::uint64_t> length) = 0;
    virtual void on_bytes(std::string_view bytes) = 0;
    virtual void on_complete(bool until_close) = 0;
    virtual void on_broken(const Broken& broken) = 0;
    /// Of probe().
    virtual void on_probe(bool is_there) = 0;
    /// Of offer(): a request waits for a connection. True: the owner has done without this call.
    virtual bool on_wanted() = 0;
    /// The request's body, as http::Caller's.
    virtual http::Answer::Ready body_ready(std::size_t max) = 0;
    virtual void give_body(std::span<std::byte> out) = 0;

   protected:
    ~Owner() = default;
  };

  virtual ~SourceCall() = default;
  virtual void start(http::Outgoing request) = 0;
  virtual void stop() = 0;
  [[nodiscard]] virtual bool is_open() const = 0;
  virtual void consume(std::size_t n) = 0;
  virtual void wake_body() = 0;
  /// Whether the call gives way to requests for which its upstream has no connection left, until
  /// told otherwise.
  virtual void offer(bool is_spare) = 0;
  /// Asks whether the upstream takes connections. Its answer comes later, if this is there still.
  virtual void probe() = 0;
};

}  // namespace sluice::relay
