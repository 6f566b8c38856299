#include "broker/rights.h"

#include <sodium.h>

#include <algorithm>

#include "base/glob.h"

namespace skald::broker {
namespace {

bool matches(const std::vector<std::string>& globs, std::string_view stream) {
    return std::any_of(globs.begin(), globs.end(),
                       [stream](const std::string& glob) { return glob_match(glob, stream); });
}

bool has_star(const std::vector<std::string>& globs) {
    return std::find(globs.begin(), globs.end(), "*") != globs.end();
}

void add(std::vector<std::string>& to, const std::vector<std::string>& globs) {
    to.insert(to.end(), globs.begin(), globs.end());
}

}  // namespace

Rights Rights::everything() {
    return of({}, {});
}

Rights Rights::of(const std::vector<Permission>& permissions, std::string_view key) {
    Rights rights;
    for (const Permission& permission : permissions) {
        if (permission.key == key || permission.key == "*") {
            add(rights.read_, permission.read);
            add(rights.write_, permission.write);
            add(rights.admin_, permission.admin);
        }
    }
    if (permissions.empty()) {
        rights.read_ = rights.write_ = rights.admin_ = {"*"};
    }
    rights.reads_all_ = has_star(rights.read_);
    rights.writes_all_ = has_star(rights.write_);
    return rights;
}

bool Rights::may_read(std::string_view stream) const {
    return reads_all_ || matches(read_, stream);
}

bool Rights::may_write(std::string_view stream) const {
    return writes_all_ || matches(write_, stream);
}

bool Rights::may_administer(std::string_view stream) const {
    return matches(admin_, stream);
}

bool Rights::administers_all() const {
    return has_star(admin_);
}

std::vector<std::string> Rights::allowed() const {
    return reads_all_ ? std::vector<std::string>() : read_;
}

Uuid producer_of(std::string_view key, const Uuid& own) {
    if (key.empty()) {
        return own;
    }
    std::string text(key);
    text.append(reinterpret_cast<const char*>(own.bytes.data()), own.bytes.size());
    Uuid id;
    static_assert(sizeof id.bytes >= crypto_generichash_BYTES_MIN);
    crypto_generichash(id.bytes.data(), id.bytes.size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr,
                       0);
    return id;
}

}  // namespace skald::broker
