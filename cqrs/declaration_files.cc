#include "cqrs/declaration_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "store/lmdb/files.h"

namespace skald::cqrs {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPaused = "paused";
constexpr const char* kActive = "active";
constexpr const char* kAside = ".removed-";

Error io(const std::string& path, const std::string& why) {
    return {Errc::io_error, fmt::format("{}: {}", path, why)};
}

// Of "v12.toml".
std::optional<std::uint32_t> version_of(std::string_view name) {
    std::uint32_t version = 0;
    if (!name.starts_with('v') || !name.ends_with(".toml")) {
        return std::nullopt;
    }
    const std::string_view digits = name.substr(1, name.size() - 6);
    const auto [end, failed] =
        std::from_chars(digits.data(), digits.data() + digits.size(), version);
    const bool good = failed == std::errc() && end == digits.data() + digits.size() && version > 0;
    return good ? std::optional(version) : std::nullopt;
}

Result<void> write_through(const std::string& path, std::string_view text) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) {
        return io(path, std::strerror(errno));
    }
    bool good = true;
    while (good && !text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        good = written > 0 || (written < 0 && errno == EINTR);
        text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    good = good && ::fsync(file) == 0;
    const int why = errno;
    ::close(file);
    return good ? Result<void>() : io(path, std::strerror(why));
}

}  // namespace

Result<std::vector<std::string>> DeclarationFiles::names_in(const std::string& parent) {
    std::vector<std::string> names;
    std::vector<fs::path> aside;
    std::error_code failed;
    if (!fs::exists(parent, failed)) {
        return failed ? Result<std::vector<std::string>>(io(parent, failed.message())) : names;
    }
    for (fs::directory_iterator at(parent, failed), end; !failed && at != end;
         at.increment(failed)) {
        std::string name = at->path().filename();
        if (name.starts_with(kAside)) {
            aside.push_back(at->path());
        } else if (std::error_code ignored; !name.starts_with('.') && at->is_directory(ignored)) {
            names.push_back(std::move(name));
        }
    }
    for (const fs::path& path : aside) {
        std::error_code ignored;  // the next time, then
        fs::remove_all(path, ignored);
    }
    std::sort(names.begin(), names.end());
    return failed ? Result<std::vector<std::string>>(io(parent, failed.message())) : names;
}

std::string DeclarationFiles::aside() const {
    const fs::path path(directory_);
    return path.parent_path() / (kAside + path.filename().string());
}

bool DeclarationFiles::has_model() const {
    std::error_code ignored;
    return fs::exists(model(), ignored);
}

std::string DeclarationFiles::path(std::uint32_t version) const {
    return fmt::format("{}/v{}.toml", directory_, version);
}

Result<std::map<std::uint32_t, std::string>> DeclarationFiles::load() const {
    std::map<std::uint32_t, std::string> texts;
    std::error_code failed;
    for (fs::directory_iterator at(directory_, failed), end; !failed && at != end;
         at.increment(failed)) {
        const auto version = version_of(at->path().filename().string());
        if (!version) {
            continue;
        }
        std::ifstream in(at->path(), std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(in), {}};
        if (!in) {
            return io(at->path(), "cannot be read");
        }
        texts.emplace(*version, std::move(text));
    }
    return failed ? Result<std::map<std::uint32_t, std::string>>(io(directory_, failed.message()))
                  : texts;
}

Result<void> DeclarationFiles::write(const std::string& name, std::string_view text) const {
    const std::string path = directory_ + "/" + name;
    auto ok = store::lmdb::make_directory(directory_);
    if (ok) {
        ok = write_through(path + ".new", text);
    }
    if (ok && ::rename((path + ".new").c_str(), path.c_str()) != 0) {
        ok = io(path, std::strerror(errno));
    }
    return ok ? store::lmdb::sync_names(directory_) : std::move(ok);
}

Result<void> DeclarationFiles::save(std::uint32_t version, std::string_view text) const {
    return write(fmt::format("v{}.toml", version), text);
}

Result<void> DeclarationFiles::erase(std::uint32_t version) const {
    std::error_code failed;
    fs::remove(path(version), failed);
    return failed ? io(path(version), failed.message()) : store::lmdb::sync_names(directory_);
}

bool DeclarationFiles::paused() const {
    std::error_code ignored;
    return fs::exists(directory_ + "/" + kPaused, ignored);
}

Result<void> DeclarationFiles::set_paused(bool paused) const {
    if (paused) {
        return write(kPaused, "");
    }
    std::error_code failed;
    fs::remove(directory_ + "/" + kPaused, failed);
    return failed ? io(directory_, failed.message()) : store::lmdb::sync_names(directory_);
}

std::uint32_t DeclarationFiles::active() const {
    std::ifstream in(directory_ + "/" + kActive);
    std::uint32_t version = 0;
    return in >> version ? version : 0;
}

Result<void> DeclarationFiles::set_active(std::uint32_t version) const {
    return write(kActive, fmt::format("{}\n", version));
}

Result<void> DeclarationFiles::set_aside() const {
    erase_aside();
    if (::rename(directory_.c_str(), aside().c_str()) != 0 && errno != ENOENT) {
        return io(directory_, std::strerror(errno));
    }
    return store::lmdb::sync_names(fs::path(directory_).parent_path());
}

void DeclarationFiles::erase_aside() const {
    std::error_code ignored;
    fs::remove_all(aside(), ignored);
}

}  // namespace skald::cqrs
