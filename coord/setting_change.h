// Decides about changes of settings: what was read of a key goes in, the transaction that makes the
// change comes out. Pure.
//
// Every change of a key, of whichever service, writes and compares the guard of that key. So what
// was read to decide is still so when it is done: a value conforms to each declaration that it has
// to, whatever others declared or set meanwhile.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coord/setting.h"

namespace skald::coord {

// What there is of a key, as far as a change of one service has to know it: of the service and the
// defaults; when these are changed themselves, of all services.
class SettingState {
  public:
    static std::vector<KeyRange> ranges(const std::string& service, const std::string& key);
    // Out of what each of the ranges had.
    SettingState(std::string service, std::string key,
                 const std::vector<std::vector<Entry>>& found);

    struct Plan {
        std::optional<Revision> done;  // it is so already, by this revision
        Txn txn;                       // otherwise
    };
    // A change without a value removes it. invalid_argument, wrong_expected_version, not_found.
    Result<Plan> set(const KeptChange& change, std::optional<Revision> expected) const;
    Result<Plan> declare(const SettingDeclaration& declaration) const;
    // The last ones, the latest last.
    static std::vector<SettingChange> history(const std::vector<Entry>& entries);

  private:
    using ByService = std::map<std::string, Entry>;
    bool governs(const std::string& declares, const std::string& sets) const;
    Result<void> check(const std::string& value) const;
    Plan planned(Compare compare, Operation operation) const;

    std::string service_;
    std::string key_;
    ByService values_;
    ByService declared_;
    std::vector<Entry> history_;
    Revision guard_;
};

}  // namespace skald::coord
