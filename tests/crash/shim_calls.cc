// The C library's calls on files, put in front of the real ones by LD_PRELOAD.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "tests/crash/shim.h"

namespace skald::crash::shim {
namespace {

template <typename Function>
Function* real(const char* name) {
    void* found = dlsym(RTLD_NEXT, name);
    if (found == nullptr) {
        std::abort();
    }
    return reinterpret_cast<Function*>(found);
}

// Which descriptors are watched files, and which number a file has.
class Table {
  public:
    static Table& instance() {
        static Table* const table = new Table;  // calls come until the very end of the process
        return *table;
    }

    // False outside the watched directory; else the name below it.
    bool below(const std::string& path, std::string& name) const {
        if (root_.empty() || path.compare(0, root_.size(), root_) != 0) {
            return false;
        }
        if (path.size() > root_.size() && path[root_.size()] != '/') {
            return false;
        }
        name = path.size() > root_.size() ? path.substr(root_.size() + 1) : "";
        return true;
    }

    void opened(int fd, const char* path, int flags) {
        Target target;
        if (acks_ == path) {
            target.kind = Target::Kind::acks;
        } else if (below(path, target.name)) {
            struct stat info {};
            fstat(fd, &info);
            target.kind = S_ISDIR(info.st_mode) ? Target::Kind::directory : Target::Kind::file;
            target.durable = (flags & (O_DSYNC | O_SYNC)) != 0;
            target.direct = (flags & O_DIRECT) != 0;
            target.file = number(info);
        }
        const std::scoped_lock lock(mutex_);
        targets_[fd] = target;
    }

    void closed(int fd) {
        const std::scoped_lock lock(mutex_);
        targets_.erase(fd);
    }

    Target of(int fd) {
        const std::scoped_lock lock(mutex_);
        const auto at = targets_.find(fd);
        return at == targets_.end() ? Target{} : at->second;
    }

    // Before its last name goes: the file system may give its identity to another one.
    void forget(const char* path) {
        struct stat info {};
        if (stat(path, &info) == 0 && info.st_nlink == 1) {
            const std::scoped_lock lock(mutex_);
            numbers_.erase({info.st_dev, info.st_ino});
        }
    }

  private:
    Table() : root_(setting("SKALD_SHIM_ROOT")), acks_(setting("SKALD_SHIM_ACKS")) {}

    std::uint32_t number(const struct stat& info) {
        const std::scoped_lock lock(mutex_);
        return numbers_.emplace(std::pair{info.st_dev, info.st_ino}, ++last_).first->second;
    }

    std::string root_;
    std::string acks_;
    std::mutex mutex_;
    std::map<int, Target> targets_;
    std::map<std::pair<dev_t, ino_t>, std::uint32_t> numbers_;
    std::uint32_t last_ = 0;
};

std::size_t total(const std::vector<iovec>& parts) {
    std::size_t bytes = 0;
    for (const iovec& part : parts) {
        bytes += part.iov_len;
    }
    return bytes;
}

// `offset` below 0: where the descriptor stands.
long write_through(const char* call, int fd, std::vector<iovec> parts, off_t offset,
                   const std::function<long()>& perform) {
    Target target = Table::instance().of(fd);
    if (target.kind == Target::Kind::none) {
        return perform();
    }
    const off_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
    const auto some = [fd, at, &parts](std::size_t bytes) {
        std::string copy;
        for (const iovec& part : parts) {
            copy.append(static_cast<const char*>(part.iov_base), part.iov_len);
        }
        return static_cast<long>(real<decltype(pwrite)>("pwrite")(fd, copy.data(), bytes, at));
    };
    return on_write({call, std::move(target), static_cast<std::uint64_t>(at), parts, total(parts),
                     perform, some});
}

int sync_through(const char* call, int fd) {
    const auto perform = [call, fd] { return real<int(int)>(call)(fd); };
    Target target = Table::instance().of(fd);
    if (target.kind == Target::Kind::none || target.kind == Target::Kind::acks) {
        return perform();
    }
    return on_call({OtherCall::Kind::sync, call, std::move(target), "", 0, perform});
}

int open_through(const char* call, const char* path, int flags, mode_t mode) {
    const auto perform = [&] { return real<int(const char*, int, ...)>(call)(path, flags, mode); };
    Table& table = Table::instance();
    Target target;
    struct stat info {};
    const bool makes =
        table.below(path, target.name) && (flags & O_CREAT) != 0 && stat(path, &info) != 0;
    const auto open_it = [&] {
        const int fd = perform();
        if (fd >= 0) {
            table.opened(fd, path, flags);
        }
        return fd;
    };
    return makes ? on_call({OtherCall::Kind::create, "open", target, "", 0, open_it}) : open_it();
}

int truncate_through(const char* call, int fd, off_t length, const std::function<int()>& perform) {
    Target target = Table::instance().of(fd);
    if (target.kind != Target::Kind::file) {
        return perform();
    }
    return on_call({OtherCall::Kind::truncate, call, std::move(target), "",
                    static_cast<std::uint64_t>(length), perform});
}

int name_through(OtherCall::Kind kind, const char* call, const char* path, const char* to,
                 const std::function<int()>& perform) {
    Table& table = Table::instance();
    Target target;
    if (!table.below(path, target.name)) {
        return perform();
    }
    OtherCall other{kind, call, target, "", 0, perform};
    if (to != nullptr) {
        table.below(to, other.to);
        table.forget(to);
    } else if (kind == OtherCall::Kind::unlink) {
        table.forget(path);
    }
    return on_call(other);
}

std::vector<iovec> one(const void* bytes, std::size_t size) {
    return {{const_cast<void*>(bytes), size}};
}

}  // namespace

Target target_of(int fd) {
    return Table::instance().of(fd);
}

const char* setting(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

void append_raw(int fd, const void* bytes, std::size_t size) {
    if (real<decltype(write)>("write")(fd, bytes, size) != static_cast<ssize_t>(size)) {
        std::abort();
    }
}

int open_raw(const char* path) {
    return real<int(const char*, int, ...)>("open")(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                                                    0644);
}

}  // namespace skald::crash::shim

using skald::crash::shim::OtherCall;
namespace shim = skald::crash::shim;

extern "C" {

int open(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : mode_t{0};
    va_end(rest);
    return shim::open_through("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : mode_t{0};
    va_end(rest);
    return shim::open_through("open64", path, flags, mode);
}

int close(int fd) {
    shim::Table::instance().closed(fd);
    return shim::real<decltype(close)>("close")(fd);
}

ssize_t write(int fd, const void* bytes, size_t size) {
    return shim::write_through("write", fd, shim::one(bytes, size), -1, [=] {
        return shim::real<decltype(write)>("write")(fd, bytes, size);
    });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
    return shim::write_through("pwrite", fd, shim::one(bytes, size), offset, [=] {
        return shim::real<decltype(pwrite)>("pwrite")(fd, bytes, size, offset);
    });
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
    return pwrite(fd, bytes, size, offset);
}

ssize_t writev(int fd, const iovec* parts, int count) {
    return shim::write_through("writev", fd, {parts, parts + count}, -1, [=] {
        return shim::real<decltype(writev)>("writev")(fd, parts, count);
    });
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
    return shim::write_through("pwritev", fd, {parts, parts + count}, offset, [=] {
        return shim::real<decltype(pwritev)>("pwritev")(fd, parts, count, offset);
    });
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
    return pwritev(fd, parts, count, offset);
}

int fdatasync(int fd) {
    return shim::sync_through("fdatasync", fd);
}

int fsync(int fd) {
    return shim::sync_through("fsync", fd);
}

int ftruncate(int fd, off_t length) noexcept {
    return shim::truncate_through("ftruncate", fd, length, [=] {
        return shim::real<decltype(ftruncate)>("ftruncate")(fd, length);
    });
}

int ftruncate64(int fd, off64_t length) noexcept {
    return ftruncate(fd, length);
}

// Only growing a file is known to the journal: as if it were truncated to its new length.
int fallocate(int fd, int mode, off_t offset, off_t length) {
    return shim::truncate_through("fallocate", fd, offset + length, [=] {
        return shim::real<decltype(fallocate)>("fallocate")(fd, mode, offset, length);
    });
}

int rename(const char* from, const char* to) noexcept {
    return shim::name_through(OtherCall::Kind::rename, "rename", from, to,
                              [=] { return shim::real<decltype(rename)>("rename")(from, to); });
}

int unlink(const char* path) noexcept {
    return shim::name_through(OtherCall::Kind::unlink, "unlink", path, nullptr,
                              [=] { return shim::real<decltype(unlink)>("unlink")(path); });
}

// Of a file: what std::filesystem calls for unlink.
int remove(const char* path) noexcept {
    return unlink(path);
}

int mkdir(const char* path, mode_t mode) noexcept {
    return shim::name_through(OtherCall::Kind::directory, "mkdir", path, nullptr,
                              [=] { return shim::real<decltype(mkdir)>("mkdir")(path, mode); });
}

}  // extern "C"
