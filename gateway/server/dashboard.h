/// The operator's dashboard: the page that an admin listener shows to browsers on `/`.
///
/// It is one file, dashboard/index.html, put into the program by the build, without any external
/// resource. Its policy names its script and its style by their hashes, so that nothing else runs
/// in it whatever finds its way into the page.
/// Thread  any.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/http/exchange.h"

namespace sluice::server {

/// The page to browsers, whose `accept` has text/html, and `text` to everybody else.
std::unique_ptr<http::Answer> open_dashboard(const http::Request& request, http::Exchange& exchange,
                                             std::string text);

/// Made by the build of dashboard/index.html: see embed.py.
extern const std::string_view kDashboardPage;
/// "'sha256-…'", of its <script>s and of its <style>s.
extern const std::string_view kDashboardPageScripts;
extern const std::string_view kDashboardPageStyles;

}  // namespace sluice::server
