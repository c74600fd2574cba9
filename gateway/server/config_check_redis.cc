#include <initializer_list>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/file.h"
#include "gateway/redis/aim.h"
#include "gateway/redis/url.h"
#include "gateway/server/config_check.h"

namespace sluice::server {
namespace {

constexpr std::size_t kMaxSentinels = 16;
constexpr std::size_t kMostTopicsInRedis = 1'000;  // Its Lua could not hold many more.

class Checker {
 public:
  Checker(const Config& config, const Places& places)
      : config_(config), places_(places), link_(config.history.redis.link) {}

  /// Of a journal that is another one.
  std::vector<Fault> run_beside() {
    const bool is_awaited = config_.history.redis.wait_replicas > 0;
    for (const auto& [option, is_given] :
         {std::pair("url", !link_.url.empty()), std::pair("sentinels", !link_.sentinels.empty()),
          std::pair("wait_replicas", is_awaited)}) {
      if (!is_given) continue;
      fault(option,
            "it is of no use without history.journal = \"redis\": add that, or this instance "
            "shares its history with nobody");
    }
    return std::move(faults_);
  }

  std::vector<Fault> run() {
    const bool has_url = !link_.url.empty();
    const bool has_sentinels = is_given("sentinels");
    if (has_url && has_sentinels) {
      fault("sentinels",
            "beside history.url it is a second way to find Redis: keep one. With sentinels the "
            "login is "
            "history.user and history.password_file, the database history.database, and TLS "
            "history.tls");
    } else if (has_sentinels) {
      check_sentinels();
    } else {
      check_url();
    }
    check_key();
    check_sizes();
    check_files();
    return std::move(faults_);
  }

 private:
  void check_url() {
    if (link_.url.empty()) {
      faults_.push_back(
          at({"history.url", "history.journal"},
             "history.url: the Redis journal needs a server; add one, as in url = "
             "\"redis://127.0.0.1:6379/0\", or sentinels = [\"10.0.0.1:26379\"] and master = "
             "\"mymaster\""));
    } else if (auto url = redis::parse_redis_url(link_.url); !url) {
      fault("url", url.error().what);
    }
    for (const std::string_view option : {"master", "sentinel_user", "sentinel_password_file",
                                          "sentinel_timeout", "sentinel_interval"}) {
      if (is_given(option)) fault(option, "it is of no use without history.sentinels");
    }
    if (is_given("tls")) {
      fault("tls", "it goes with history.sentinels; a URL says it by its beginning, rediss://");
    }
    if (is_given("database")) {
      fault("database", "it goes with history.sentinels; a URL says it by its end, as in /2");
    }
  }

  void check_sentinels() {
    if (link_.sentinels.empty() || link_.sentinels.size() > kMaxSentinels) {
      fault("sentinels", fmt::format("it has to name 1 to {} sentinels, as in "
                                     "[\"10.0.0.1:26379\", \"10.0.0.2:26379\"]",
                                     kMaxSentinels));
    }
    for (const std::string& text : link_.sentinels) {
      if (text.find("://") != text.npos) {
        return fault("sentinels",
                     "a sentinel is host and port alone, as in \"10.0.0.1:26379\"; for TLS "
                     "say history.tls = true");
      }
      auto place = redis::parse_place(text, redis::kSentinelPort);
      if (!place) return fault("sentinels", place.error().what);
    }
    if (link_.master.empty()) {
      faults_.push_back(
          at({"history.master", "history.sentinels"},
             "history.master: by which name do the sentinels know the master? As in master = "
             "\"mymaster\"; `redis-cli -p 26379 SENTINEL MASTERS` shows it"));
    }
  }

  /// What stands beside the stream has to be in its slot of a cluster, by the tag in braces.
  void check_key() {
    const std::string& key = config_.history.redis.key;
    const std::size_t open = key.find_first_of("{}");
    if (open == key.npos) return;
    const std::size_t close = key.find('}', open);
    if (open == 0 && close + 1 == key.size() && close > 1) {
      return fault("key",
                   fmt::format("\"{}\" is all braces: what stands beside it would be that of "
                               "\"{}\" too; leave them away, or add a name, as in \"{}:events\"",
                               key, key.substr(1, key.size() - 2), key));
    }
    if (key[open] == '{' && close != key.npos && close > open + 1) return;
    fault("key", fmt::format("\"{}\" has braces that enclose nothing: they name what a cluster "
                             "keeps together, as in \"{{app}}:events\"",
                             key));
  }

  void check_sizes() {
    const std::size_t answer = link_.answer_bytes;
    if (config_.access.max_event_bytes > answer / 4) {
      faults_.push_back(
          at({"history.answer_bytes", "hub.max_event_bytes"},
             fmt::format("history.answer_bytes: {} is less than four times hub.max_event_bytes, {}",
                         format_size(answer), format_size(config_.access.max_event_bytes))));
    }
    const std::size_t queue = config_.history.redis.queue_events;
    if (config_.publish.max_batch > queue) {
      faults_.push_back(
          at({"hub.max_batch"},
             fmt::format("hub.max_batch: {} are more than the {} that may wait for Redis",
                         config_.publish.max_batch, queue)));
    }
    if (config_.access.max_topics > kMostTopicsInRedis) {
      faults_.push_back(
          at({"hub.max_topics"},
             fmt::format("hub.max_topics: {} are more than the {} that an event can have in Redis",
                         config_.access.max_topics, kMostTopicsInRedis)));
    }
  }

  void check_files() {
    check_file("password_file", config_.history.password_file);
    check_file("ca_file", link_.ca_file);
    if (!link_.sentinels.empty()) {
      check_file("sentinel_password_file", config_.history.sentinel_password_file);
    }
  }
  void check_file(std::string_view option, const std::string& file) {
    if (file.empty()) return;
    if (const auto text = read_file(file); !text) fault(option, text.error().what);
  }

  [[nodiscard]] bool is_given(std::string_view option) const {
    return places_.contains(fmt::format("history.{}", option));
  }
  void fault(std::string_view option, std::string_view what) {
    const std::string key = fmt::format("history.{}", option);
    faults_.push_back(at({key}, fmt::format("{}: {}", key, what)));
  }
  [[nodiscard]] Fault at(std::initializer_list<std::string_view> keys, std::string message) const {
    const Place place = place_of(places_, keys);
    return {config_.file, place.line, place.column, std::move(message)};
  }

  const Config& config_;
  const Places& places_;
  const redis::LinkOptions& link_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> check_redis(const Config& config, const Places& places) {
  Checker checker(config, places);
  return config.history.journal == Journal::redis ? checker.run() : checker.run_beside();
}

}  // namespace sluice::server
