// The files of one declared projection (declared_models.h): what it is declared as, which version
// was promoted last, and whether it is paused. A file is there whole or not at all.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "skald/result.h"

namespace skald::cqrs {

class DeclarationFiles {
  public:
    explicit DeclarationFiles(std::string directory) : directory_(std::move(directory)) {}

    // Names of the directories in `parent` that do not begin with a dot, sorted; none when it is
    // missing. Erases those that were set aside.
    static Result<std::vector<std::string>> names_in(const std::string& parent);

    std::string model() const { return directory_ + "/model"; }
    bool has_model() const;
    std::string path(std::uint32_t version) const;
    // The text of each version.
    Result<std::map<std::uint32_t, std::string>> load() const;
    Result<void> save(std::uint32_t version, std::string_view text) const;
    Result<void> erase(std::uint32_t version) const;
    bool paused() const;
    Result<void> set_paused(bool paused) const;
    // The version that was promoted last; 0 when none was.
    std::uint32_t active() const;
    Result<void> set_active(std::uint32_t version) const;
    // Gives all of it another name, which begins with a dot: in one step it is no projection any
    // more. Then erase_aside(); names_in() does it after a crash.
    Result<void> set_aside() const;
    void erase_aside() const;

  private:
    std::string aside() const;
    Result<void> write(const std::string& name, std::string_view text) const;

    std::string directory_;
};

}  // namespace skald::cqrs
