/// LiveCall: a Source's request to a real upstream.
///
/// Owner   its Source. Thread  its worker's.
#pragma once

#include <memory>

#include "gateway/relay/source_call.h"
#include "gateway/relay/upstream.h"
#include "gateway/relay/upstream_call.h"

namespace sluice::relay {

class LiveCall final : public SourceCall, private UpstreamCall, private SpareCall {
 public:
  LiveCall(Upstream& upstream, SourceCall::Owner& owner) : upstream_(upstream), owner_(owner) {}

  void start(http::Outgoing request) override {
    UpstreamCall::start(upstream_, std::move(request));
  }
  void stop() override {
    probe_.reset();
    UpstreamCall::stop();
  }
  [[nodiscard]] bool is_open() const override { return UpstreamCall::is_open(); }
  void consume(std::size_t n) override { UpstreamCall::consume(n); }
  void wake_body() override { UpstreamCall::wake_body(); }
  void offer(bool is_spare) override;
  void probe() override;

 private:
  [[nodiscard]] bool is_waiting() const override { return UpstreamCall::is_waiting(); }
  [[nodiscard]] bool has_room() const override { return UpstreamCall::has_room(); }
  bool give_way() override { return owner_.on_wanted(); }
  void on_answer(http::Response head, std::optional<std::uint64_t> length) override {
    owner_.on_answer(std::move(head), length);
  }
  void on_bytes(std::string_view bytes) override { owner_.on_bytes(bytes); }
  void on_complete(bool until_close) override { owner_.on_complete(until_close); }
  void on_broken(const Broken& broken) override { owner_.on_broken(broken); }
  http::Answer::Ready body_ready(std::size_t max) override { return owner_.body_ready(max); }
  void give_body(std::span<std::byte> out) override { owner_.give_body(out); }

  Upstream& upstream_;
  SourceCall::Owner& owner_;
  std::shared_ptr<LiveCall*> probe_;  ///< While a probe is under way.
};

}  // namespace sluice::relay
