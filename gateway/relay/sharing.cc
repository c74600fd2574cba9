#include "gateway/relay/sharing.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/relay/last_word.h"
#include "gateway/relay/request_head.h"
#include "gateway/relay/stream_name.h"

namespace sluice::relay {
namespace {

constexpr std::string_view kStreamParameter = "sluice-stream";
constexpr std::size_t kMaxParameters = 100;

/// Whether the answer may be an event stream that somebody else could go on with.
bool may_be_stream(const http::Request& request) {
  if (request.method != "GET" || request.has_body) return false;
  constexpr std::string_view kPartial[] = {"range", "if-none-match", "if-modified-since",
                                           "if-match", "if-range"};
  const bool is_partial = std::any_of(std::begin(kPartial), std::end(kPartial),
                                      [&](auto name) { return request.headers.has(name); });
  if (is_partial) return false;
  const auto accept = request.headers.joined("accept");
  return !accept || http::accepts(*accept, "text/event-stream") ||
         (http::accepts(*accept, "*/*") && !http::accepts(*accept, "text/html"));
}

/// A part of a key that cannot run into the next one.
void add_part(std::string& key, std::string_view part) {
  fmt::format_to(std::back_inserter(key), "{}:", part.size());
  key += part;
}

std::string key_base(const RouteContext& route, const http::Request& request, const Terms& terms,
                     bool is_for_all) {
  std::string key = fmt::format("{};", fmt::ptr(&route.options));
  add_part(key, request.authority);
  add_part(key, request.path);
  add_part(key, is_for_all ? std::string_view() : terms.principal);
  if (is_for_all) return key;
  for (const http::Field& field : terms.upstream_headers) {
    add_part(key, field.name);
    add_part(key, field.value);
  }
  return key;
}

/// What a GET asks for, and who does.
std::string key_of_get(const RouteContext& route, const http::Request& request,
                       const Terms& terms) {
  const ShareOptions& share = route.options.share;
  std::string key = key_base(route, request, terms, share.enabled && share.across_credentials);
  key += "GET";
  add_part(key, request.query);
  for (const std::string& name : share.headers) {
    add_part(key, request.headers.joined(name).value_or("\n"));
  }
  // An application that allows one origin by name answers each another way.
  if (!terms.answer_headers.has("access-control-allow-origin")) {
    add_part(key, request.headers.joined("origin").value_or(""));
  }
  return key;
}

std::string key_of_post(const RouteContext& route, const http::Request& request,
                        const Terms& terms) {
  return key_base(route, request, terms, false) + "POST";
}

std::string stream_parameter(const http::Request& request) {
  if (request.query.find(kStreamParameter) == std::string::npos) return {};
  const auto form = http::parse_form(request.query, kMaxParameters);
  const std::string* name = form ? http::first(*form, kStreamParameter) : nullptr;
  return name == nullptr ? std::string() : *name;
}

http::Headers without(const http::Headers& headers, std::string_view name) {
  http::Headers rest;
  for (const http::Field& field : headers) {
    if (field.name != name) rest.add(field.name, field.value);
  }
  return rest;
}

}  // namespace

Sharing::Sharing(Setting setting)
    : setting_(std::move(setting)),
      door_(std::make_shared<Door>(setting_.post)),
      sweep_later_([this] { sweep_later(); }),
      self_(std::make_shared<Sharing*>(this)) {}

Sharing::~Sharing() {
  door_->shut();
}

std::unique_ptr<http::Answer> Sharing::open(RouteContext& route, const http::Request& request,
                                            http::Exchange& exchange, Terms& terms) {
  const RouteOptions& options = route.options;
  if (!options.share.enabled && !options.replay.enabled) return nullptr;
  Ask ask{.route = route,
          .request = request,
          .exchange = exchange,
          .terms = terms,
          .last_event_id = request.headers.joined("last-event-id").value_or(""),
          .stream = {}};
  const bool has_posts = options.replay.enabled && options.replay.post;
  if (has_posts) ask.stream = stream_parameter(request);
  ask.is_named = !ask.stream.empty();
  if (!ask.is_named) {
    if (const auto id = parse_event_id(ask.last_event_id)) ask.stream = id->stream;
  }
  if (has_posts && request.method == "DELETE") return stop_stream(ask);
  if (has_posts && request.method == "POST") {
    return open_own(ask, key_of_post(route, request, terms));
  }
  return may_be_stream(request) || (ask.is_named && request.method == "GET") ? open_get(ask)
                                                                             : nullptr;
}

std::unique_ptr<http::Answer> Sharing::open_get(Ask& ask) {
  const RouteOptions& options = ask.route.options;
  const std::string key = key_of_get(ask.route, ask.request, ask.terms);
  if (options.replay.enabled) {
    if (auto answer = come_back(ask, key)) return answer;
    if (ask.is_named) return no_such_stream(ask);
  }
  return options.share.enabled ? open_shared(ask, key) : open_own(ask, key);
}

std::shared_ptr<Log> Sharing::find_for(const Ask& ask, const std::string& key) const {
  Sources& sources = setting_.sources;
  const ReplayOptions& replay = ask.route.options.replay;
  if (!ask.stream.empty()) {
    auto log = ask.is_named ? nullptr : sources.find_named(ask.stream, key);
    if (log == nullptr && replay.post) {
      log = sources.find_named(ask.stream, key_of_post(ask.route, ask.request, ask.terms));
    }
    return log;
  }
  if (ask.last_event_id.empty()) return nullptr;
  auto log =
      sources.find_holder(key, ask.last_event_id, setting_.loop.clock().now() - replay.linger);
  // He has had all of it, its end too: he wants what comes next, and the upstream knows his id.
  if (log != nullptr && log->is_end_told() && log->is_at_end(ask.last_event_id)) return nullptr;
  return log;
}

std::unique_ptr<http::Answer> Sharing::come_back(Ask& ask, const std::string& key) {
  const auto log = find_for(ask, key);
  if (log == nullptr) return nullptr;
  return join(
      ask, log,
      {.last_event_id = ask.last_event_id, .from_start = true, .now = setting_.loop.clock().now()});
}

std::unique_ptr<http::Answer> Sharing::open_shared(Ask& ask, const std::string& key) {
  const RouteOptions& options = ask.route.options;
  const bool has_names = options.replay.enabled;
  for (int tries = 0; tries < 3; ++tries) {
    const auto found = setting_.sources.find_or_add({.name = make_stream_name(),
                                                     .key = key,
                                                     .events = options.replay.events,
                                                     .bytes = options.replay.bytes,
                                                     .has_names = has_names},
                                                    door_);
    if (found.log == nullptr) return nullptr;
    if (found.is_new) return begin(ask, found.log);
    const Wish wish{.last_event_id = ask.last_event_id,
                    .late = options.share.late,
                    .late_events = options.share.late_events};
    if (auto answer = join(ask, found.log, wish)) return answer;
  }
  return nullptr;
}

std::unique_ptr<http::Answer> Sharing::open_own(Ask& ask, std::string key) {
  const ReplayOptions& replay = ask.route.options.replay;
  const auto log = setting_.sources.add({.name = make_stream_name(),
                                         .key = std::move(key),
                                         .events = replay.events,
                                         .bytes = replay.bytes,
                                         .is_exclusive = true,
                                         .has_names = true,
                                         .is_posted = ask.request.method != "GET"},
                                        door_);
  return log == nullptr ? nullptr : begin(ask, log);
}

std::unique_ptr<http::Answer> Sharing::join(Ask& ask, const std::shared_ptr<Log>& log,
                                            const Wish& wish) {
  auto place = log->join(wish);
  if (!place) return nullptr;
  auto stream = make_in<ReaderStream>(
      ask.route.memory.readers,
      ReaderStream::Setting{
          .route = ask.route, .open_plainly = setting_.open_plainly, .sweep = sweep_later_},
      ask.exchange, ask.request, std::move(ask.terms));
  View& view = view_of(log);
  view.pull();
  stream->read(view, std::move(*place));
  return stream;
}

/// The first reader of a new log, and its Source.
std::unique_ptr<http::Answer> Sharing::begin(Ask& ask, const std::shared_ptr<Log>& log) {
  auto outgoing = make_request(ask.route.options, ask.request, ask.terms);
  if (!outgoing) {
    setting_.sources.remove(*log, true);
    log->close(false);
    return nullptr;
  }
  // An id of ours says nothing to the upstream, and what one client has read is nothing that all
  // who will share the stream have: but its owner misses what was behind it.
  const bool is_kept_back =
      !log->setting().is_exclusive || parse_event_id(ask.last_event_id).has_value();
  if (is_kept_back) outgoing->head.headers = without(outgoing->head.headers, "last-event-id");
  auto place = log->join({.last_event_id = is_kept_back ? ask.last_event_id : std::string()});
  if (!place) return nullptr;
  auto stream = make_in<ReaderStream>(
      ask.route.memory.readers,
      ReaderStream::Setting{
          .route = ask.route, .open_plainly = setting_.open_plainly, .sweep = sweep_later_},
      ask.exchange, ask.request, std::move(ask.terms));
  auto source =
      std::make_unique<Source>(Source::Setting{.route = ask.route,
                                               .sources = setting_.sources,
                                               .make_call = setting_.make_call,
                                               .bury =
                                                   [this](Source& dead) {
                                                     const auto found = sources_.find(&dead);
                                                     if (found == sources_.end()) return;
                                                     buried_.push_back(std::move(found->second));
                                                     sources_.erase(found);
                                                     sweep_later();
                                                   }},
                               log, std::move(*outgoing), stream->asker());
  Source& alive = *source;
  sources_.emplace(&alive, std::move(source));
  stream->own(alive);
  stream->read(view_of(log), std::move(*place));
  alive.start();
  return stream;
}

/// DELETE on a stream that a POST has begun.
std::unique_ptr<http::Answer> Sharing::stop_stream(Ask& ask) {
  if (ask.stream.empty()) return nullptr;  // The application's own DELETE.
  const auto log =
      setting_.sources.find_named(ask.stream, key_of_post(ask.route, ask.request, ask.terms));
  if (log == nullptr) return no_such_stream(ask);
  setting_.sources.remove(*log, true);
  log->close(false, End::clean);
  http::Response head{.status = 204, .headers = std::move(ask.terms.answer_headers)};
  if (!ask.terms.request_id.empty()) head.headers.add("x-request-id", ask.terms.request_id);
  return http::reply(ask.exchange, std::move(head), {});
}

std::unique_ptr<http::Answer> Sharing::no_such_stream(const Ask& ask) {
  LastAnswer answer = error_answer(ask.route.options, ask.terms, relay::no_such_stream());
  return http::reply(ask.exchange, std::move(answer.head), std::move(answer.body));
}

View& Sharing::view_of(const std::shared_ptr<Log>& log) {
  auto& view = views_[log.get()];
  if (view == nullptr) {
    view = std::make_unique<View>(log, door_, setting_.loop.clock(), pulled_);
  }
  return *view;
}

void Sharing::end_turn() {
  while (!pulled_.empty()) pulled_.pop_front().pass();
}

void Sharing::sweep_later() {
  if (std::exchange(is_sweeping_, true)) return;
  door_->post([alive = std::weak_ptr<Sharing*>(self_)] {
    if (const auto sharing = alive.lock()) (*sharing)->sweep();
  });
}

/// Not earlier: a view's last reader may go from inside it, and a Source end from inside its call.
void Sharing::sweep() {
  is_sweeping_ = false;
  buried_.clear();
  std::erase_if(views_, [](const auto& each) { return each.second->readers() == 0; });
  setting_.sources.relax();  // With them what was held for them has gone.
}

}  // namespace sluice::relay
