#include "coord/effective_settings.h"

#include <fmt/format.h>

#include "coord/record.h"
#include "coord/setting.h"
#include "coord/setting_keys.h"

namespace skald::coord {
namespace {

// What there is of one key.
struct Layers {
    const Entry* value = nullptr;
    const Entry* declared = nullptr;
    const Entry* value_of_all = nullptr;
    const Entry* declared_for_all = nullptr;
};
// In the order in which the ranges are read.
constexpr const Entry* Layers::*kLayers[] = {&Layers::value, &Layers::declared,
                                             &Layers::value_of_all, &Layers::declared_for_all};

std::string_view space_of(std::size_t range) {
    return range % 2 == 0 ? setting_keys::kValues : setting_keys::kDeclared;
}

// The defaults have none behind them.
std::vector<KeyRange> ranges_of(const std::string& service, const auto& range) {
    std::vector<KeyRange> ranges{range(setting_keys::kValues, service),
                                 range(setting_keys::kDeclared, service)};
    if (service != kDefaults) {
        ranges.push_back(range(setting_keys::kValues, kDefaults));
        ranges.push_back(range(setting_keys::kDeclared, kDefaults));
    }
    return ranges;
}

Result<Setting> set_value(Setting setting, const Entry& entry,
                          const std::optional<SettingDeclaration>& declared) {
    KeptChange kept = change_of(entry.value);
    if (!kept.value) {
        return refused(fmt::format("{}: what is kept is no setting", setting.key));
    }
    if (auto ok = check_value(setting.key, *kept.value, declared ? &*declared : nullptr); !ok) {
        return ok.error();
    }
    setting.value = std::move(*kept.value);
    setting.revision = entry.modified;
    setting.by = std::move(kept.by);
    setting.at = kept.at;
    return setting;
}

// nullopt: there is no value.
std::optional<Result<Setting>> effective(const std::string& service, const std::string& key,
                                         const Layers& layers) {
    std::optional<SettingDeclaration> declared;
    const bool own = layers.declared != nullptr;
    if (const Entry* entry = own ? layers.declared : layers.declared_for_all; entry != nullptr) {
        auto read = declaration_of(own ? service : std::string(kDefaults), key, entry->value);
        if (!read) {
            return read.error();
        }
        declared = std::move(*read);
    }
    Setting setting;
    setting.service = service;
    setting.key = key;
    setting.type = declared ? declared->type : SettingType::text;
    if (layers.value != nullptr) {
        setting.source = SettingSource::service;
        return set_value(std::move(setting), *layers.value, declared);
    }
    if (layers.value_of_all != nullptr) {
        setting.source = SettingSource::defaults;
        return set_value(std::move(setting), *layers.value_of_all, declared);
    }
    if (!declared || !declared->fallback) {
        return std::nullopt;
    }
    setting.source = SettingSource::declared;
    setting.value = *declared->fallback;
    return setting;
}

}  // namespace

std::vector<KeyRange> setting_ranges(const std::string& service) {
    return ranges_of(service, [](std::string_view space, std::string_view of) {
        return KeyRange::prefix(setting_keys::at(space, of));
    });
}

std::vector<KeyRange> setting_ranges(const std::string& service, const std::string& key) {
    return ranges_of(service, [&](std::string_view space, std::string_view of) {
        return KeyRange::one(setting_keys::at(space, of, key));
    });
}

EffectiveSettings effective_settings(const std::string& service,
                                     const std::vector<std::vector<Entry>>& found) {
    std::map<std::string, Layers> by_key;
    for (std::size_t range = 0; range < found.size(); ++range) {
        for (const Entry& entry : found[range]) {
            const std::string key = setting_keys::names(space_of(range), entry).second;
            if (!key.empty() && key.find('/') == std::string::npos) {
                by_key[key].*kLayers[range] = &entry;
            }
        }
    }
    EffectiveSettings all;
    for (const auto& [key, layers] : by_key) {
        if (auto setting = effective(service, key, layers)) {
            all.emplace(key, std::move(*setting));
        }
    }
    return all;
}

std::vector<ToldSettings::News> ToldSettings::next(const EffectiveSettings& now) {
    std::vector<News> news;
    for (const auto& [key, setting] : now) {
        Told& told = told_[key];
        if (!setting) {
            if (told.bad != setting.error()) {
                told.bad = setting.error();
                news.push_back({key, std::nullopt, told.bad});
            }
        } else if (told.bad || told.setting != *setting) {
            told = {*setting, std::nullopt};
            news.push_back({key, *setting, std::nullopt});
        }
    }
    for (auto it = told_.begin(); it != told_.end();) {
        if (now.contains(it->first)) {
            ++it;
            continue;
        }
        news.push_back({it->first, std::nullopt, std::nullopt});
        it = told_.erase(it);
    }
    return news;
}

}  // namespace skald::coord
