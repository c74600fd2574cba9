/// AdminLists: who is connected, and who is slow: lists of streams and of connections, and the end
/// of one of them.
///
///   GET  /streams?sort=lag|queued|age|bytes&limit=N&route=R&topic=T&client=ADDRESS&subject=S
///   GET  /connections?sort=…&limit=N&client=ADDRESS
///   POST /streams/ID/end        as at the end of a drain: its client comes back
///   POST /connections/ID/close  at once
///
/// Each worker is asked to look at what it has (survey.h); the answer comes when all have, or after
/// kPatience with what there is.
///
/// Owner   Admin. Thread  the control loop's.
/// Limits  kMostRows rows; kMostAtOnce questions at once, then 503.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/net/loop.h"
#include "gateway/net/mailbox.h"
#include "gateway/server/metrics.h"
#include "gateway/server/survey.h"

namespace sluice::server {

class AdminLists {
 public:
  static constexpr std::size_t kMostRows = 1'000;
  static constexpr std::size_t kMostAtOnce = 8;
  static constexpr std::chrono::seconds kPatience{10};
  using AnswerPtr = std::unique_ptr<http::Answer>;

  AdminLists(net::Loop& loop, const Workers& workers);

  AnswerPtr list_streams(const http::Request& request, http::Exchange& exchange);
  AnswerPtr list_connections(const http::Request& request, http::Exchange& exchange);
  AnswerPtr end_stream(const http::Request& request, http::Exchange& exchange);
  AnswerPtr close_connection(const http::Request& request, http::Exchange& exchange);

 private:
  class Waiting;
  struct Round;

  AnswerPtr list(Survey::Task task, const http::Request& request, http::Exchange& exchange);
  AnswerPtr end(Survey::Task task, std::string_view action, const http::Request& request,
                http::Exchange& exchange);
  /// Asks the workers, or the one that has it.
  AnswerPtr ask(Survey::Order order, const http::Request& request, http::Exchange& exchange);

  // Set in the constructor.
  net::Loop& loop_;
  const Workers& workers_;
  net::Mailbox<std::function<void()>> mailbox_;  ///< What the workers have found. Any thread.
  // Control thread only.
  std::size_t under_way_ = 0;  ///< Questions that some worker has not answered.
};

}  // namespace sluice::server
