// Configuration as keys of the store: it reads them, decides, and writes what was decided, again
// when others came before.
#pragma once

#include <functional>

#include "coord/effective_settings.h"
#include "coord/setting_change.h"
#include "skald/configuration.h"

namespace skald::coord {

class KeptConfiguration final : public Configuration {
  public:
    KeptConfiguration(Coord& coord, const Clock& clock) : coord_(coord), clock_(clock) {}

    Result<void> declare(const SettingDeclaration& declaration) override;
    Result<std::vector<SettingDeclaration>> declarations(const std::string& service) override;
    Result<Setting> get(const std::string& service, const std::string& key) override;
    Result<std::vector<Setting>> list(const std::string& service) override;
    Result<Revision> set(const std::string& service, const std::string& key,
                         const std::string& value, const SetOptions& options) override;
    Result<void> remove(const std::string& service, const std::string& key,
                        const SetOptions& options) override;
    Result<std::vector<SettingChange>> history(const std::string& service,
                                               const std::string& key) override;
    Result<std::unique_ptr<SettingsWatch>> watch(const std::string& service,
                                                 SettingsHandler handler) override;

  private:
    using Decide = std::function<Result<SettingState::Plan>(const SettingState& state)>;
    Result<Revision> change(const std::string& service, const std::string& key,
                            const Decide& decide);
    Result<Revision> put(const std::string& service, const std::string& key,
                         std::optional<std::string> value, const SetOptions& options);
    Result<EffectiveSettings> effective(const std::string& service,
                                        const std::vector<KeyRange>& ranges);

    Coord& coord_;
    const Clock& clock_;
};

}  // namespace skald::coord
