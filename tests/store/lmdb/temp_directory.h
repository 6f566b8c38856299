// A directory of a test's own, removed at its end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace skald::store::lmdb {

class TempDirectory {
  public:
    TempDirectory() {
        path_ = (std::filesystem::temp_directory_path() / "skald-lmdb-XXXXXX").string();
        if (mkdtemp(path_.data()) == nullptr) {
            std::abort();
        }
    }
    ~TempDirectory() { std::filesystem::remove_all(path_); }
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace skald::store::lmdb
