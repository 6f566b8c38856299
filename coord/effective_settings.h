// What is effective for a service, out of what is kept; and what of it a watch has to tell. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "skald/configuration.h"

namespace skald::coord {

// What has to be read for all settings of a service, or for one.
std::vector<KeyRange> setting_ranges(const std::string& service);
std::vector<KeyRange> setting_ranges(const std::string& service, const std::string& key);

// By key, out of what each of the ranges had. An error: what is effective does not conform to its
// declaration, or is not understood.
using EffectiveSettings = std::map<std::string, Result<Setting>>;
EffectiveSettings effective_settings(const std::string& service,
                                     const std::vector<std::vector<Entry>>& found);

// Knows what it told. One thread at a time.
class ToldSettings {
  public:
    struct News {
        std::string key;
        std::optional<Setting> setting;  // none: it has no value any more
        std::optional<Error> bad;        // the one before stays
    };
    // What is different now, by key. What was bad is told again when it is good, or gone.
    std::vector<News> next(const EffectiveSettings& now);

  private:
    struct Told {
        std::optional<Setting> setting;  // the last good one
        std::optional<Error> bad;        // since
    };
    std::map<std::string, Told> told_;
};

}  // namespace skald::coord
