/// The table of all options. To add one: a field in a struct, and a row here.
///
/// Thread  main, before start.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/auth/key.h"
#include "gateway/server/config.h"
#include "gateway/server/config_row.h"

namespace sluice::server {

/// A key, or a set of keys, as it stands in the file; config_keys.h makes keys of it.
struct KeyEntry {
  std::vector<auth::Algorithm> algorithms;  ///< Empty: what the key is for.
  std::string secret;
  std::string secret_file;
  std::string key_file;
  std::string jwks_file;
  std::string jwks_url;
  std::string id;
  std::string issuer;
  std::string audience;
};

/// A table of the file, for the reference page; in the order in which it shows them.
struct Section {
  std::string_view name;
  std::string_view help;
};

const std::vector<Section>& config_sections();
const std::vector<Row<Config>>& config_rows();
const std::vector<Row<Listen>>& listen_rows();
const std::vector<Row<tls::CertificateFiles>>& certificate_rows();
const std::vector<Row<hub::TopicRule>>& topic_rows();
const std::vector<Row<KeyEntry>>& key_rows();
const std::vector<Row<relay::UpstreamOptions>>& upstream_rows();
const std::vector<Row<Route>>& route_rows();
/// Of `share = { … }` and `replay = { … }` in a [[route]].
const std::vector<Row<relay::ShareOptions>>& share_rows();
const std::vector<Row<relay::ReplayOptions>>& replay_rows();

}  // namespace sluice::server
