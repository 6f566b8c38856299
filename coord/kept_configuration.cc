#include "coord/kept_configuration.h"

#include <fmt/format.h>

#include <utility>

#include "base/random.h"
#include "coord/followed.h"
#include "coord/limits.h"
#include "coord/record.h"
#include "coord/setting_keys.h"

namespace skald::coord {
namespace {

Result<void> check_service(const std::string& service) {
    return check_name("a service", service, kSettingNameBytesMax);
}

Result<void> check_names(const std::string& service, const std::string& key) {
    auto ok = check_service(service);
    return ok ? check_name("a key", key, kSettingNameBytesMax) : ok;
}

class FollowedSettings final : public SettingsWatch {
  public:
    FollowedSettings(Coord& coord, std::string service, SettingsHandler handler)
        : service_(std::move(service)),
          handler_(std::move(handler)),
          followed_(coord, setting_ranges(service_),
                    {[this](const std::vector<std::vector<Entry>>& found) {
                         tell(effective_settings(service_, found));
                         return Follow::on;
                     },
                     handler_.on_away}) {}

    Result<void> begin() { return followed_.begin(); }

  private:
    void tell(const EffectiveSettings& now) {
        for (const ToldSettings::News& news : told_.next(now)) {
            if (news.bad && handler_.on_bad) {
                handler_.on_bad(news.key, *news.bad);
            } else if (!news.bad && handler_.on_change) {
                handler_.on_change(news.key, news.setting);
            }
        }
    }

    const std::string service_;
    const SettingsHandler handler_;
    ToldSettings told_;
    Followed followed_;  // calls the rest: the first to end
};

}  // namespace

// ---- changes

// What ends as unknown is looked for when the key is read again, and tried again when it is not
// there: of two attempts at most one finds the guard as both of them read it.
Result<Revision> KeptConfiguration::change(const std::string& service, const std::string& key,
                                           const Decide& decide) {
    std::optional<Error> unknown;
    for (int i = 0; i < kSettingTriesMax; ++i) {
        const auto read = read_together(coord_, SettingState::ranges(service, key));
        if (!read) {
            return unknown.value_or(read.error());
        }
        const auto plan = decide(SettingState(service, key, read->found));
        if (!plan) {
            return plan.error();
        }
        if (plan->done) {
            return *plan->done;
        }
        const auto done = coord_.txn(plan->txn);
        if (done && done->succeeded) {
            return done->revision;
        }
        if (!done && done.error().code != Errc::outcome_unknown) {
            return unknown.value_or(done.error());
        }
        if (!done) {
            unknown = done.error();
        }
    }
    return unknown.value_or(
        Error(Errc::busy, fmt::format("{} of {} changes all the time: {} attempts came too late",
                                      key, service, kSettingTriesMax)));
}

Result<void> KeptConfiguration::declare(const SettingDeclaration& declaration) {
    if (auto ok = check_declaration(declaration); !ok) {
        return ok;
    }
    const auto done = change(declaration.service, declaration.key,
                             [&](const SettingState& state) { return state.declare(declaration); });
    return done ? Result<void>() : done.error();
}

Result<Revision> KeptConfiguration::put(const std::string& service, const std::string& key,
                                        std::optional<std::string> value,
                                        const SetOptions& options) {
    auto ok = check_names(service, key);
    ok = ok ? check_text("who changes a setting", options.by, kSettingTextBytesMax) : ok;
    if (!ok) {
        return ok.error();
    }
    const KeptChange made{std::move(value), options.by, clock_.now(),
                          fmt::format("{:016x}", random_number())};
    return change(service, key,
                  [&](const SettingState& state) { return state.set(made, options.expected); });
}

Result<Revision> KeptConfiguration::set(const std::string& service, const std::string& key,
                                        const std::string& value, const SetOptions& options) {
    return put(service, key, value, options);
}

Result<void> KeptConfiguration::remove(const std::string& service, const std::string& key,
                                       const SetOptions& options) {
    const auto done = put(service, key, std::nullopt, options);
    return done ? Result<void>() : done.error();
}

// ---- what there is

Result<EffectiveSettings> KeptConfiguration::effective(const std::string& service,
                                                       const std::vector<KeyRange>& ranges) {
    const auto read = read_together(coord_, ranges);
    return read ? Result<EffectiveSettings>(effective_settings(service, read->found))
                : read.error();
}

Result<Setting> KeptConfiguration::get(const std::string& service, const std::string& key) {
    if (auto ok = check_names(service, key); !ok) {
        return ok.error();
    }
    const auto all = effective(service, setting_ranges(service, key));
    if (!all) {
        return all.error();
    }
    const auto it = all->find(key);
    return it == all->end()
               ? Error(Errc::not_found, fmt::format("{} has no value of {}", service, key))
               : it->second;
}

Result<std::vector<Setting>> KeptConfiguration::list(const std::string& service) {
    if (auto ok = check_service(service); !ok) {
        return ok.error();
    }
    const auto all = effective(service, setting_ranges(service));
    if (!all) {
        return all.error();
    }
    std::vector<Setting> settings;
    for (const auto& [key, setting] : *all) {
        if (setting) {
            settings.push_back(*setting);
        }
    }
    return settings;
}

Result<std::vector<SettingDeclaration>> KeptConfiguration::declarations(
    const std::string& service) {
    if (auto ok = check_service(service); !ok) {
        return ok.error();
    }
    const auto listing =
        coord_.get(KeyRange::prefix(setting_keys::at(setting_keys::kDeclared, service)),
                   Reading::linearizable);
    if (!listing) {
        return listing.error();
    }
    std::vector<SettingDeclaration> all;
    for (const Entry& entry : listing->entries) {
        const std::string key = setting_keys::names(setting_keys::kDeclared, entry).second;
        if (auto declaration = declaration_of(service, key, entry.value)) {
            all.push_back(std::move(*declaration));
        }
    }
    return all;
}

Result<std::vector<SettingChange>> KeptConfiguration::history(const std::string& service,
                                                              const std::string& key) {
    if (auto ok = check_names(service, key); !ok) {
        return ok.error();
    }
    const auto listing =
        coord_.get(KeyRange::prefix(setting_keys::history(service, key)), Reading::linearizable);
    if (!listing) {
        return listing.error();
    }
    return SettingState::history(listing->entries);
}

Result<std::unique_ptr<SettingsWatch>> KeptConfiguration::watch(const std::string& service,
                                                                SettingsHandler handler) {
    if (auto ok = check_service(service); !ok) {
        return ok.error();
    }
    auto watch = std::make_unique<FollowedSettings>(coord_, service, std::move(handler));
    if (auto ok = watch->begin(); !ok) {
        return ok.error();
    }
    return std::unique_ptr<SettingsWatch>(std::move(watch));
}

std::unique_ptr<Configuration> open_configuration(Coord& coord, const Clock& clock) {
    return std::make_unique<KeptConfiguration>(coord, clock);
}

}  // namespace skald::coord
