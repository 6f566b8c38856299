// The files of one declared projection (declared_models.h): what it is declared as, and whether it
// is paused. A file is there whole or not at all.
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

    // Names of the directories in `parent`, sorted; none when it is missing.
    static Result<std::vector<std::string>> names_in(const std::string& parent);

    std::string model() const { return directory_ + "/model"; }
    std::string path(std::uint32_t version) const;
    // The text of each version.
    Result<std::map<std::uint32_t, std::string>> load() const;
    Result<void> save(std::uint32_t version, std::string_view text) const;
    Result<void> erase(std::uint32_t version) const;
    bool paused() const;
    Result<void> set_paused(bool paused) const;
    // All of it, declarations first: what is left by a crash in between has none.
    Result<void> remove() const;

  private:
    Result<void> write(const std::string& name, std::string_view text) const;

    std::string directory_;
};

}  // namespace skald::cqrs
