/// PublishAnswer: collects one request's body, publishes what it holds, all or nothing, and answers
/// with the ids.
///
/// Owner   its session, as every http::Answer. Thread  its worker only; the journal may answer from
///         any.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/intrusive_list.h"
#include "gateway/http/exchange.h"
#include "gateway/net/loop.h"
#include "gateway/server/counters.h"
#include "gateway/server/publisher.h"
#include "gateway/server/shared.h"

namespace sluice::server {

class PublishStream;
struct PublishStreamTag;
using PublishStreams = IntrusiveList<PublishStream, PublishStreamTag>;

/// What a worker's publish requests have in common.
struct PublishSetting {
  Shared& shared;
  net::Loop& loop;
  Counters& counters;
  PublishStreams& streams;  ///< Those that are open.
  /// Runs a task on this worker's thread, now or soon; called from any thread.
  std::function<void(std::function<void()>)> post;
};

class PublishAnswer final : public http::Answer {
 public:
  struct Job {
    /// What the body becomes.
    std::function<Result<std::vector<sse::Draft>>(std::string body)> read;
    bool is_batch = false;  ///< Answered with JSON: all ids.
    Publisher publisher;
    std::string challenge;  ///< Goes with a 401 and a 403; without its error.
    http::Headers extra;    ///< Of the answer.
  };

  PublishAnswer(const PublishSetting& setting, Job job, http::Exchange& exchange)
      : setting_(setting),
        job_(std::move(job)),
        exchange_(exchange),
        room_(setting.shared.bodies) {}

  void on_body(std::string_view bytes) override;
  void on_body_end() override;
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override;

 private:
  void publish(std::vector<sse::Draft> drafts);
  void on_appended(const Result<std::vector<journal::Receipt>>& receipts);
  void count(const std::vector<journal::Receipt>& receipts);
  void reject(int status, std::string text);
  void try_later(int status, Duration after, std::string text);
  void respond(int status, std::string text, std::string type = "text/plain; charset=utf-8");

  const PublishSetting& setting_;
  Job job_;
  http::Exchange& exchange_;
  const std::shared_ptr<PublishAnswer*> alive_ = std::make_shared<PublishAnswer*>(this);
  std::string body_;
  BodyRoom::Lease room_;
  std::string reply_;
  std::size_t taken_ = 0;
  std::size_t data_bytes_ = 0;
  bool has_responded_ = false;
};

}  // namespace sluice::server
