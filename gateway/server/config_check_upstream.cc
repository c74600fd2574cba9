#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/file.h"
#include "gateway/relay/upstream_url.h"
#include "gateway/server/config_relay.h"
#include "gateway/server/config_table_check.h"
#include "gateway/server/upstream_contexts.h"

namespace sluice::server {
namespace {

using relay::UpstreamOptions;

class UpstreamCheck final : TableCheck {
 public:
  using TableCheck::TableCheck;

  std::vector<Fault> run() {
    for (std::size_t i = 0; i < config_.relay.upstreams.size(); ++i) {
      look_at(fmt::format("upstream[{}]", i));
      if (is_given()) check_upstream(i);
    }
    return std::move(faults_);
  }

 private:
  void check_upstream(std::size_t index);
  void check_urls(const UpstreamOptions& upstream);
  void check_files(const UpstreamOptions& upstream);
};

void UpstreamCheck::check_upstream(std::size_t index) {
  const UpstreamOptions& upstream = config_.relay.upstreams[index];
  if (upstream.name.empty()) {
    fault("name", "this [[upstream]] has no name; routes need one");
  } else if (upstream.name.find("://") != upstream.name.npos) {
    fault("name", fmt::format("\"{}\" is a URL; those belong into `urls`", upstream.name));
  }
  for (std::size_t i = 0; i < index; ++i) {
    if (upstream.name.empty() || config_.relay.upstreams[i].name != upstream.name) continue;
    fault("name", fmt::format("there is another [[upstream]] \"{}\"", upstream.name));
  }
  if (upstream.urls.empty()) {
    fault("urls", "this [[upstream]] has no urls; add one, as in urls = \"http://127.0.0.1:9000\"");
  } else {
    check_urls(upstream);
  }
  check_files(upstream);
  if (upstream.backoff > upstream.backoff_max) {
    fault("backoff",
          fmt::format("{} is more than backoff_max, {}", format_duration(upstream.backoff),
                      format_duration(upstream.backoff_max)));
  }
}

void UpstreamCheck::check_urls(const UpstreamOptions& upstream) {
  std::size_t encrypted = 0;
  for (const std::string& url : upstream.urls) {
    const auto parsed = relay::parse_upstream_url(url);
    if (!parsed) {
      fault("urls", parsed.error().what);
      return;
    }
    if (parsed->is_tls) ++encrypted;
  }
  if (encrypted > 0 && encrypted < upstream.urls.size()) {
    fault("urls", "some are https and some http; make two [[upstream]] tables of them");
  }
  for (const std::string_view member : {"ca_file", "verify", "server_name", "certificate_file"}) {
    if (encrypted == 0 && is_given(member)) fault(member, "is of no use without https");
  }
}

void UpstreamCheck::check_files(const UpstreamOptions& upstream) {
  if (upstream.certificate_file.empty() != upstream.key_file.empty()) {
    const bool has_key = !upstream.key_file.empty();
    fault(has_key ? "key_file" : "certificate_file",
          fmt::format("needs {}, too", has_key ? "certificate_file" : "key_file"));
  }
  bool is_readable = true;
  for (const auto& [member, file] : {std::pair("ca_file", &upstream.ca_file),
                                     std::pair("certificate_file", &upstream.certificate_file),
                                     std::pair("key_file", &upstream.key_file)}) {
    if (file->empty()) continue;
    if (const auto text = read_file(*file); !text) {
      is_readable = false;
      fault(member, text.error().what);
    }
  }
  if (!is_readable || upstream.certificate_file.empty() != upstream.key_file.empty()) return;
  if (upstream.urls.empty() || !relay::parse_upstream_url(upstream.urls.front())) return;
  if (const auto context = make_upstream_contexts({upstream}); !context) {
    fault(is_given("certificate_file") ? "certificate_file" : "ca_file", context.error().what);
  }
}

}  // namespace

std::vector<Fault> check_upstreams(const Config& config, const Places& places) {
  return UpstreamCheck(config, places).run();
}

}  // namespace sluice::server
