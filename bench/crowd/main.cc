/// crowd: what many streams at once do to each other. `crowd --help` says what it can do.

#include <array>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/common/outcome.h"
#include "bench/crowd/scenes.h"

namespace {

using namespace sluice::bench;

std::unique_ptr<Scene> make_scene(const CrowdOptions& options) {
  if (options.scene == "flood") return make_flood(options);
  if (options.scene == "follow") return make_follow(options);
  if (options.scene == "fair") return make_fair(options);
  if (options.scene == "slow") return make_slow(options);
  if (options.scene == "million") return make_million(options);
  if (options.scene == "storm") return make_storm(options);
  if (options.scene == "overload") return make_overload(options);
  die(fmt::format("--scene: '{}' is not flood, follow, fair, slow, million, storm or overload",
                  options.scene));
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = crowd_options_from(argc, argv);
  ignore_broken_pipes();
  const auto scene = make_scene(options);
  const bool is_whole = scene->perform();
  return tell({is_whole, is_clean(scene->faults()), scene->text(), scene->json()},
              options.load.json_file, "a phase came to no end");
}
