/// load: a load generator for Server-Sent-Events servers. `load --help` says what it can do.

#include "bench/common/net.h"
#include "bench/common/outcome.h"
#include "bench/load/report.h"

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const auto options = options_from(argc, argv);
  ignore_broken_pipes();
  Run run(options);
  const bool is_whole = run.perform();
  return tell({is_whole, run.is_clean(), report_text(run), report_json(run)}, options.json_file,
              "not all streams and publishers could be set up");
}
