#include "gateway/server/demo_feed.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace sluice::server {
namespace {

// All texts are free of quotes, backslashes and control characters: they go into JSON as they are.
constexpr std::array<std::string_view, DemoFeed::kTickers> kSymbols = {
    "ALDR", "AMBR", "ANVL", "ARBO", "ASHN", "AURO", "BASN", "BAYU", "BEKN", "BIRK", "BLUF", "BRAE",
    "BRIM", "BROK", "CALX", "CANL", "CEDR", "CHNL", "CIRQ", "CLAY", "COBL", "COVE", "CREK", "CURR",
    "DALE", "DELT", "DIKE", "DOCK", "DRFT", "DUNE", "EDDY", "ELMR", "EMBR", "ESKR", "FALL", "FENN",
    "FERN", "FJRD", "FLNT", "FLOW", "FORD", "GATE", "GLAD", "GLEN", "GORG", "GRVL", "GULF", "HAVN",
    "HAZL", "HETH", "HOLM", "INLT", "IRIS", "ISLE", "JETY", "KELP", "KNOL", "LAGN", "LARK", "LEVE",
    "LOCH", "LOCK", "MARL", "MEAD", "MERE", "MILL", "MOOR", "MOSS", "NARO", "NESS", "OXBW", "PEAT",
    "PIER", "POND", "QUAY", "RAPD", "REED", "REEF", "RILL", "RUNL", "SAND", "SHOL", "SILT", "SLUC",
    "SPIT", "STRM", "TARN", "TIDE", "VALE", "WEIR", "WHRF", "WILO", "YARO", "ZEPH",
};

constexpr std::array<std::string_view, 8> kJobNames = {
    "Rebuild search index", "Nightly export",   "Container image", "Resize photos",
    "Import customers",     "Train classifier", "Verify backups",  "Transcode video",
};

struct LogLine {
  std::string_view level;
  std::string_view text;  ///< `{}` stands for a number between `low` and `high`.
  std::int64_t low;
  std::int64_t high;
};

constexpr std::array kLogLines = {
    LogLine{"info", "GET /api/orders 200 in {} ms", 2, 48},
    LogLine{"info", "GET /api/basket 200 in {} ms", 1, 30},
    LogLine{"info", "POST /api/orders 201 in {} ms", 9, 95},
    LogLine{"info", "order {} paid", 41000, 49999},
    LogLine{"info", "invoice {} sent", 7000, 7999},
    LogLine{"info", "cache refreshed, {} entries", 800, 4200},
    LogLine{"info", "worker took job {}", 100, 999},
    LogLine{"info", "session renewed for account {}", 1000, 9999},
    LogLine{"info", "stream resumed, {} events replayed", 1, 60},
    LogLine{"info", "certificate valid for {} more days", 31, 89},
    LogLine{"debug", "pool has {} idle connections", 2, 16},
    LogLine{"warn", "slow query, {} ms: orders by customer", 310, 1900},
    LogLine{"warn", "payment provider answered after {} ms", 900, 3000},
    LogLine{"error", "mail to account {} bounced, will try again", 1000, 9999},
};

struct Notice {
  std::string_view title;
  std::string_view text;
};

constexpr std::array kNotices = {
    Notice{"Deployment finished", "shop-frontend is live in all three zones."},
    Notice{"New comment", "Mira: looks good to me, ship it."},
    Notice{"Build passed", "main, 412 tests in 38 seconds."},
    Notice{"Parcel on its way", "It arrives tomorrow before noon."},
    Notice{"Meeting in ten minutes", "Weekly review, room Delta."},
    Notice{"Disk space", "archive-2 has 18 percent left."},
    Notice{"Review requested", "Jonas asks you to look at 3 files."},
    Notice{"Payment received", "Invoice 7204 has been settled."},
};

constexpr std::int64_t kMoveOneIn = 3;  // 94 tickers / 3: about 31 of them move per tick
constexpr std::int64_t kLogOneIn = 7;
constexpr std::int64_t kNoticeEvery = 45;
constexpr int kRestAtHundred = 20;

sse::Draft draft(std::string topic, std::string data) {
  sse::Draft made;
  made.topics.push_back(std::move(topic));
  made.data = std::move(data);
  return made;
}

/// Hundredths as a decimal: 12345 is 123.45, -5 is -0.05.
std::string decimal(std::int64_t hundredths) {
  return fmt::format("{:.2f}", static_cast<double>(hundredths) / 100.0);
}

/// By how many hundredths of a percent `price` is away from `opening`.
std::int64_t change_of(std::int64_t opening, std::int64_t price) {
  return (price - opening) * 10'000 / opening;
}

}  // namespace

DemoFeed::DemoFeed(std::uint64_t seed) : random_(seed) {
  for (auto& ticker : tickers_) {
    ticker.opening = between(1'200, 60'000);
    ticker.price = ticker.opening;
  }
  for (std::size_t i = 0; i < kJobs; ++i) {
    jobs_[i].name = i;
    jobs_[i].percent = static_cast<int>(between(0, 60));
  }
}

std::vector<sse::Draft> DemoFeed::tick(std::int64_t unix_ms) {
  Drafts out;
  out.reserve(kTickers / 2);
  move_tickers(unix_ms, out);
  if (one_in(kLogOneIn)) write_log(unix_ms, out);
  advance_jobs(unix_ms, out);
  if (++ticks_ % kNoticeEvery == 0) notify(unix_ms, out);
  return out;
}

void DemoFeed::move_tickers(std::int64_t unix_ms, Drafts& out) {
  for (std::size_t i = 0; i < kTickers; ++i) {
    if (!one_in(kMoveOneIn)) continue;
    auto& ticker = tickers_[i];
    move(ticker);
    out.push_back(draft(fmt::format("demo/ticker/{:03}", i + 1),
                        fmt::format(R"({{"symbol":"{}","price":{},"change":{},"t":{}}})",
                                    kSymbols[i], decimal(ticker.price),
                                    decimal(change_of(ticker.opening, ticker.price)), unix_ms)));
  }
}

/// A step of up to 0.25 %, at least a hundredth, drawn back a little towards the opening price so
/// that a demo that runs for weeks stays plausible.
void DemoFeed::move(Ticker& ticker) {
  const std::int64_t reach = std::max<std::int64_t>(ticker.price / 400, 1);
  const std::int64_t pull = (ticker.opening - ticker.price) / 200;
  const std::int64_t step = between(-reach, reach) + pull;
  ticker.price = std::max<std::int64_t>(ticker.price + step, 100);
}

void DemoFeed::write_log(std::int64_t unix_ms, Drafts& out) {
  const auto& line = kLogLines[random_() % kLogLines.size()];
  const auto text = fmt::format(fmt::runtime(line.text), between(line.low, line.high));
  out.push_back(draft("demo/log", fmt::format(R"({{"level":"{}","text":"{}","t":{}}})", line.level,
                                              text, unix_ms)));
}

void DemoFeed::advance_jobs(std::int64_t unix_ms, Drafts& out) {
  for (std::size_t i = 0; i < kJobs; ++i) {
    auto& job = jobs_[i];
    if (job.rest > 0) {
      if (--job.rest > 0) continue;
      job.name = (job.name + kJobs) % kJobNames.size();
      job.percent = 0;
    } else {
      if (!one_in(static_cast<std::int64_t>(3 + 2 * i))) continue;  // each at a pace of its own
      job.percent = std::min(job.percent + static_cast<int>(between(1, 3)), 100);
      if (job.percent == 100) job.rest = kRestAtHundred;
    }
    out.push_back(draft(fmt::format("demo/progress/{}", i + 1),
                        fmt::format(R"({{"name":"{}","percent":{},"t":{}}})", kJobNames[job.name],
                                    job.percent, unix_ms)));
  }
}

void DemoFeed::notify(std::int64_t unix_ms, Drafts& out) {
  const auto& notice = kNotices[next_notice_++ % kNotices.size()];
  out.push_back(draft("demo/notifications", fmt::format(R"({{"title":"{}","text":"{}","t":{}}})",
                                                        notice.title, notice.text, unix_ms)));
}

std::int64_t DemoFeed::between(std::int64_t low, std::int64_t high) {
  const auto count = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<std::int64_t>(random_() % count);
}

}  // namespace sluice::server
