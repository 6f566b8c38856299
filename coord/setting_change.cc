#include "coord/setting_change.h"

#include <fmt/format.h>

#include <charconv>

#include "coord/limits.h"
#include "coord/record.h"
#include "coord/setting_keys.h"

namespace skald::coord {
namespace {

// nullopt: somebody else's key.
std::optional<std::uint64_t> number_of(const Entry& entry) {
    const std::string text = entry.key.substr(entry.key.rfind('/') + 1);
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, number);
    return problem == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

const Entry* find(const std::map<std::string, Entry>& entries, const std::string& service) {
    const auto it = entries.find(service);
    return it == entries.end() ? nullptr : &it->second;
}

Revision revision_of(const Entry* entry) {
    return entry == nullptr ? Revision{} : entry->modified;
}

}  // namespace

std::vector<KeyRange> SettingState::ranges(const std::string& service, const std::string& key) {
    std::vector<KeyRange> ranges{KeyRange::prefix(setting_keys::history(service, key)),
                                 KeyRange::one(setting_keys::guard(key))};
    for (const std::string_view space : {setting_keys::kValues, setting_keys::kDeclared}) {
        if (service == kDefaults) {
            ranges.push_back(KeyRange::prefix(std::string(space)));
            continue;
        }
        ranges.push_back(KeyRange::one(setting_keys::at(space, service, key)));
        ranges.push_back(KeyRange::one(setting_keys::at(space, kDefaults, key)));
    }
    return ranges;
}

SettingState::SettingState(std::string service, std::string key,
                           const std::vector<std::vector<Entry>>& found)
    : service_(std::move(service)), key_(std::move(key)) {
    const auto take = [&](std::string_view space, const Entry& entry, ByService& into) {
        if (!entry.key.starts_with(space)) {
            return;
        }
        const auto [of, name] = setting_keys::names(space, entry);
        if (name == key_) {
            into.emplace(of, entry);
        }
    };
    const std::string history = setting_keys::history(service_, key_);
    const std::string guard = setting_keys::guard(key_);
    for (const auto& range : found) {
        for (const Entry& entry : range) {
            take(setting_keys::kValues, entry, values_);
            take(setting_keys::kDeclared, entry, declared_);
            if (entry.key.starts_with(history) && number_of(entry)) {
                history_.push_back(entry);
            }
            if (entry.key == guard) {
                guard_ = entry.modified;
            }
        }
    }
}

// Whether a declaration has to be met by a value: the defaults by those of all who declare the key,
// as they may come to be effective for them.
bool SettingState::governs(const std::string& declares, const std::string& sets) const {
    return declares == sets || sets == kDefaults ||
           (declares == kDefaults && find(declared_, sets) == nullptr);
}

Result<void> SettingState::check(const std::string& value) const {
    if (auto ok = check_value(key_, value, nullptr); !ok) {
        return ok;
    }
    for (const auto& [service, entry] : declared_) {
        if (!governs(service, service_)) {
            continue;
        }
        auto declaration = declaration_of(service, key_, entry.value);
        if (!declaration) {
            return declaration.error();
        }
        if (auto ok = check_value(key_, value, &*declaration); !ok) {
            return service == service_
                       ? ok
                       : refused(fmt::format("{}, as {} declares it", ok.error().message, service));
        }
    }
    return {};
}

SettingState::Plan SettingState::planned(Compare compare, Operation operation) const {
    const std::string guard = setting_keys::guard(key_);
    return {std::nullopt,
            {{Compare::unchanged(guard, guard_), std::move(compare)},
             {Put{guard, text_of(Record::object()), {}}, std::move(operation)},
             {}}};
}

Result<SettingState::Plan> SettingState::set(const KeptChange& change,
                                             std::optional<Revision> expected) const {
    for (const Entry& entry : history_) {
        if (change_of(entry.value).id == change.id) {
            return Plan{entry.modified, {}};
        }
    }
    const Entry* there = find(values_, service_);
    if (expected && *expected != revision_of(there)) {
        return Error(Errc::wrong_expected_version,
                     fmt::format("{} of {} has revision {}, expected was {}", key_, service_,
                                 revision_of(there).value, expected->value));
    }
    if (!change.value && there == nullptr) {
        return Error(Errc::not_found,
                     fmt::format("{} has no value of its own of {}", service_, key_));
    }
    if (auto ok = change.value ? check(*change.value) : Result<void>(); !ok) {
        return ok.error();
    }
    const std::string text = text_of(change);
    if (text.size() > kValueBytesMax) {
        return refused(fmt::format("{}: the value takes {} bytes as JSON, at most {}", key_,
                                   text.size(), kValueBytesMax));
    }
    const std::string key = setting_keys::at(setting_keys::kValues, service_, key_);
    Plan plan = planned(
        Compare::unchanged(key, revision_of(there)),
        change.value ? Operation(Put{key, text, {}}) : Operation(Erase{KeyRange::one(key)}));
    const std::uint64_t number = history_.empty() ? 1 : *number_of(history_.back()) + 1;
    plan.txn.then.push_back(Put{setting_keys::change(service_, key_, number), text, {}});
    if (number > kSettingChangesMax) {
        const std::uint64_t oldest = number - kSettingChangesMax + 1;
        plan.txn.then.push_back(Erase{KeyRange{setting_keys::history(service_, key_),
                                               setting_keys::change(service_, key_, oldest)}});
    }
    return plan;
}

Result<SettingState::Plan> SettingState::declare(const SettingDeclaration& declaration) const {
    if (auto ok = check_declaration(declaration); !ok) {
        return ok.error();
    }
    const Entry* there = find(declared_, service_);
    const std::string text = text_of(declaration);
    if (there != nullptr && there->value == text) {
        return Plan{there->modified, {}};
    }
    for (const auto& [service, entry] : values_) {
        const auto value = change_of(entry.value).value;
        if (!governs(service_, service) || !value) {
            continue;
        }
        if (auto ok = check_value(key_, *value, &declaration); !ok) {
            return service == service_ ? ok.error()
                                       : refused(fmt::format("{}: it is a value of {}",
                                                             ok.error().message, service));
        }
    }
    const std::string key = setting_keys::at(setting_keys::kDeclared, service_, key_);
    return planned(Compare::unchanged(key, revision_of(there)), Put{key, text, {}});
}

std::vector<SettingChange> SettingState::history(const std::vector<Entry>& entries) {
    std::vector<SettingChange> changes;
    for (const Entry& entry : entries) {
        if (const auto number = number_of(entry)) {
            KeptChange change = change_of(entry.value);
            changes.push_back({*number, std::move(change.value), std::move(change.by), change.at});
        }
    }
    return changes;
}

}  // namespace skald::coord
