#include "gateway/server/admin_lists.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/timer_wheel.h"
#include "gateway/http/answers.h"
#include "gateway/http/late_answer.h"
#include "gateway/http/uri.h"
#include "gateway/server/worker.h"

namespace sluice::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRows = 50;  ///< Where no limit is given.

struct SortName {
  std::string_view name;
  SortBy by;
};
constexpr std::array<SortName, 4> kSorts{SortName{"lag", SortBy::lag},
                                         {"queued", SortBy::queued},
                                         {"age", SortBy::age},
                                         {"bytes", SortBy::bytes}};

double in_seconds(Millis time) {
  return static_cast<double>(time.count()) / 1'000;
}

Json or_null(std::optional<Millis> time) {
  return time ? Json(in_seconds(*time)) : Json(nullptr);
}

Json windows(const http::Flow& flow) {
  Json json = Json::object();
  if (flow.stream_window != -1) json["stream_window"] = flow.stream_window;
  if (flow.connection_window != -1) json["connection_window"] = flow.connection_window;
  return json;
}

Json json_of(const StreamRow& row) {
  Json json{{"id", row.id.to_string()}, {"client", row.client}};
  if (row.route.empty()) {
    json["topics"] = row.topics;
    json["topic_count"] = row.topic_count;
  } else {
    json["route"] = row.route;
  }
  json["subject"] = row.subject;
  json["protocol"] = row.protocol;
  json["age"] = in_seconds(row.age);
  json["bytes"] = row.bytes;
  json["events"] = row.progress.events;
  json["gaps"] = row.progress.gaps;
  json["lag_events"] = row.progress.behind;
  json["lagging"] = row.progress.is_lagging;
  json["queued_bytes"] = row.progress.queued;
  json["state"] = state_of(row.flow, row.progress);
  json.update(windows(row.flow));
  json["socket_unsent"] = row.flow.transport.unsent;
  json["socket_blocked_for"] = or_null(blocked_for(row.flow, row.seen));
  json["last_write_ago"] = or_null(silent_for(row.flow, row.seen));
  return json;
}

Json json_of(const ConnectionRow& row) {
  Json json{{"id", row.id.to_string()}, {"client", row.client}};
  if (!row.via.empty()) json["via"] = row.via;
  json["protocol"] = row.protocol;
  json["tls"] = row.is_tls;
  json["age"] = in_seconds(row.age);
  json["bytes"] = row.flow.transport.sent;
  json["open_requests"] = row.open_requests;
  json["event_streams"] = row.event_streams;
  json["state"] = state_of(row.flow, {});
  json.update(windows(row.flow));
  json["socket_unsent"] = row.flow.transport.unsent;
  json["socket_blocked_for"] = or_null(blocked_for(row.flow, row.seen));
  json["last_write_ago"] = or_null(silent_for(row.flow, row.seen));
  return json;
}

template <class Row>
Json rows_of(std::vector<Row>& rows, std::size_t limit) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.key > b.key; });
  Json json = Json::array();
  for (std::size_t i = 0; i < std::min(rows.size(), limit); ++i) json.push_back(json_of(rows[i]));
  return json;
}

Result<Survey::Order> read_order(Survey::Task task, const http::Request& request) {
  auto query = http::parse_form(request.query, 20);
  if (!query) return fail(Errc::invalid, "the query: " + query.error().what);
  Survey::Order order{.task = task, .limit = kRows};
  for (const auto& [name, value] : *query) {
    const bool is_stream_field = task == Survey::Task::list_streams;
    if (name == "sort") {
      const auto* const sort =
          std::find_if(kSorts.begin(), kSorts.end(),
                       [&given = value](const SortName& s) { return s.name == given; });
      if (sort == kSorts.end()) {
        return fail(Errc::invalid, "sort: one of lag, queued, age, bytes");
      }
      order.sort = sort->by;
    } else if (name == "limit") {
      const char* const end = value.data() + value.size();
      const auto read = std::from_chars(value.data(), end, order.limit);
      if (read.ec != std::errc() || read.ptr != end || order.limit == 0 ||
          order.limit > AdminLists::kMostRows) {
        return fail(Errc::invalid, fmt::format("limit: 1 to {}", AdminLists::kMostRows));
      }
    } else if (name == "client") {
      order.client = value;
    } else if (name == "route" && is_stream_field) {
      order.route = value;
    } else if (name == "topic" && is_stream_field) {
      order.topic = value;
    } else if (name == "subject" && is_stream_field) {
      order.subject = value;
    } else {
      return fail(Errc::invalid,
                  is_stream_field ? "only sort, limit, route, topic, client and subject are of use"
                                  : "only sort, limit and client are of use");
    }
  }
  return order;
}

}  // namespace

/// What the workers have found so far.
struct AdminLists::Round {
  Survey::Order order{};
  std::size_t left = 0;  ///< Workers that were asked and have not answered.
  std::vector<StreamRow> streams{};
  std::vector<ConnectionRow> connections{};
  std::uint64_t matched = 0;
  bool has_ended_one = false;
  Waiting* waiting = nullptr;  ///< Null: nobody waits any more.

  void add(Survey& survey) {
    for (StreamRow& row : survey.streams()) streams.push_back(std::move(row));
    for (ConnectionRow& row : survey.connections()) connections.push_back(std::move(row));
    matched += survey.matched();
    has_ended_one = has_ended_one || survey.has_ended_one();
    --left;
  }
  [[nodiscard]] bool is_list() const {
    return order.task == Survey::Task::list_streams || order.task == Survey::Task::list_connections;
  }
  [[nodiscard]] http::Response head() const {
    const int status = is_list() || has_ended_one ? 200 : left > 0 ? 504 : 404;
    return {status,
            {{"content-type", is_list() ? "application/json" : "text/plain; charset=utf-8"},
             {"cache-control", "no-store"}}};
  }
  [[nodiscard]] std::string text() {
    if (!is_list()) {
      if (has_ended_one) return "it is being ended\n";
      return left > 0 ? "its worker does not answer\n" : "nothing has this id, or no longer\n";
    }
    const bool are_streams = order.task == Survey::Task::list_streams;
    Json json;
    json["matched"] = matched;
    if (left > 0) json["workers_missing"] = left;
    json[are_streams ? "streams" : "connections"] =
        are_streams ? rows_of(streams, order.limit) : rows_of(connections, order.limit);
    // A topic may be any bytes.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
};

/// Answers when the round is complete, or its time is up.
class AdminLists::Waiting final : public http::LateAnswer, private Deadline {
 public:
  Waiting(AdminLists& owner, std::shared_ptr<Round> round, http::Exchange& exchange, bool is_head)
      : LateAnswer(exchange, is_head), round_(std::move(round)) {
    round_->waiting = this;
    owner.loop_.wheel().arm(*this, owner.loop_.now() + kPatience);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() override { round_->waiting = nullptr; }

  void answer() {
    if (is_given()) return;
    Deadline::cancel();
    give(round_->head(), round_->text());
  }

 private:
  void on_deadline(TimePoint /*now*/) override { answer(); }

  const std::shared_ptr<Round> round_;
};

AdminLists::AdminLists(net::Loop& loop, const Workers& workers)
    : loop_(loop), workers_(workers), mailbox_(loop, [](std::vector<std::function<void()>>& found) {
        for (const auto& tell : found) tell();
      }) {}

AdminLists::AnswerPtr AdminLists::ask(Survey::Order order, const http::Request& request,
                                      http::Exchange& exchange) {
  if (under_way_ >= kMostAtOnce) {
    return http::problem(exchange, 503, "too many ask this at once; try again in a second",
                         {{"retry-after", "1"}});
  }
  auto round = std::make_shared<Round>(Round{.order = std::move(order)});
  const bool is_list = round->is_list();
  const std::size_t owner = round->order.id.connection % workers_.size();
  ++under_way_;
  auto answer = std::make_unique<Waiting>(*this, round, exchange, request.method == "HEAD");
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!is_list && i != owner) continue;
    ++round->left;
    // The survey is made known to its own end, which only then may have it.
    const auto found = std::make_shared<std::weak_ptr<Survey>>();
    auto survey = std::make_shared<Survey>(round->order, [this, round, found] {
      mailbox_.post([this, round, survey = found->lock()] {
        round->add(*survey);
        if (round->left > 0) return;
        --under_way_;
        if (round->waiting != nullptr) round->waiting->answer();
      });
    });
    *found = survey;
    workers_[i]->post([&worker = *workers_[i], survey = std::move(survey)]() mutable {
      worker.survey(std::move(survey));
    });
  }
  return answer;
}

AdminLists::AnswerPtr AdminLists::list(Survey::Task task, const http::Request& request,
                                       http::Exchange& exchange) {
  auto order = read_order(task, request);
  if (!order) return http::problem(exchange, 400, order.error().what);
  return ask(std::move(*order), request, exchange);
}

/// The path is /streams/ID/end, or /connections/ID/close.
AdminLists::AnswerPtr AdminLists::end(Survey::Task task, std::string_view action,
                                      const http::Request& request, http::Exchange& exchange) {
  std::string_view path = request.path;
  path.remove_prefix(path.find('/', 1) + 1);
  const std::size_t slash = path.find('/');
  const auto id = StreamId::parse(path.substr(0, slash));
  const bool wants_stream = task == Survey::Task::end_stream;
  const bool is_good = id && slash != path.npos && path.substr(slash + 1) == action &&
                       (id->stream != 0) == wants_stream;
  if (!is_good) {
    return http::problem(exchange, 404,
                         wants_stream
                             ? "POST /streams/ID/end, with an id of GET /streams"
                             : "POST /connections/ID/close, with an id of GET /connections");
  }
  return ask({.task = task, .id = *id}, request, exchange);
}

AdminLists::AnswerPtr AdminLists::list_streams(const http::Request& request,
                                               http::Exchange& exchange) {
  return list(Survey::Task::list_streams, request, exchange);
}

AdminLists::AnswerPtr AdminLists::list_connections(const http::Request& request,
                                                   http::Exchange& exchange) {
  return list(Survey::Task::list_connections, request, exchange);
}

AdminLists::AnswerPtr AdminLists::end_stream(const http::Request& request,
                                             http::Exchange& exchange) {
  return end(Survey::Task::end_stream, "end", request, exchange);
}

AdminLists::AnswerPtr AdminLists::close_connection(const http::Request& request,
                                                   http::Exchange& exchange) {
  return end(Survey::Task::close_connection, "close", request, exchange);
}

}  // namespace sluice::server
