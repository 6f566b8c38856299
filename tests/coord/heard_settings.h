// What a watch of settings told, to be waited for.
#pragma once

#include "skald/configuration.h"
#include "tests/coord/heard.h"

namespace skald::coord {

class HeardSettings : public Heard {
  public:
    // `k=v`, `-k` when there is none any more, `!k` when it is bad, `away`, `back`.
    SettingsHandler handler() {
        return {[this](const std::string& key, const std::optional<Setting>& setting) {
                    add(setting ? key + "=" + setting->value : "-" + key);
                },
                [this](const std::string& key, const Error&) { add("!" + key); },
                [this](bool away) { add(away ? "away" : "back"); }};
    }
};

}  // namespace skald::coord
