#include "tests/crash/disk_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace skald::crash {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSector = 512;
constexpr std::size_t kCopyBytes = 1 << 20;

void must(bool ok, const char* what) {
    if (!ok) {
        std::perror(what);
        std::exit(70);
    }
}

int open_for_writing(const std::string& path) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    must(fd >= 0, path.c_str());
    return fd;
}

void grow(int fd, std::uint64_t size) {
    struct stat info {};
    must(fstat(fd, &info) == 0, "fstat");
    if (static_cast<std::uint64_t>(info.st_size) < size) {
        must(ftruncate(fd, static_cast<off_t>(size)) == 0, "ftruncate");
    }
}

// Only what is not a hole.
void copy_sparse(int from, int to) {
    static std::string buffer(kCopyBytes, '\0');
    const off_t size = lseek(from, 0, SEEK_END);
    must(ftruncate(to, size) == 0, "ftruncate");
    for (off_t at = lseek(from, 0, SEEK_DATA); at >= 0 && at < size;
         at = lseek(from, at, SEEK_DATA)) {
        const off_t end = lseek(from, at, SEEK_HOLE);
        while (at < end) {
            const auto part = std::min<std::size_t>(kCopyBytes, static_cast<std::size_t>(end - at));
            const ssize_t n = pread(from, buffer.data(), part, at);
            must(n > 0 && pwrite(to, buffer.data(), static_cast<std::size_t>(n), at) == n, "copy");
            at += n;
        }
    }
}

bool coin(std::mt19937_64& dice) {
    return (dice() & 1U) != 0;
}

// LMDB keeps nothing in it that outlives the processes using it; after a cut it holds anything.
void write_noise(const std::string& path, std::mt19937_64& dice) {
    std::string noise(8192, '\0');
    for (char& c : noise) {
        c = static_cast<char>(dice());
    }
    const int fd = open_for_writing(path);
    must(write(fd, noise.data(), noise.size()) > 0, "noise");
    close(fd);
}

}  // namespace

ImageBuilder::ImageBuilder(const Journal& journal, std::string base)
    : journal_(journal), base_(std::move(base)) {
    fs::create_directory(base_);
}

std::string ImageBuilder::base_of(std::uint32_t file) const {
    return base_ + "/" + std::to_string(file);
}

void ImageBuilder::apply(const Op& op, Range range, int fd) {
    if (op.is(OpKind::truncate)) {
        must(ftruncate(fd, static_cast<off_t>(op.length)) == 0, "ftruncate");
        return;
    }
    const std::uint64_t size = range.end - range.begin;
    if ((op.flags & kFlagZeros) != 0) {
        grow(fd, range.end);
        // A hole reads as zeros and costs nothing.
        const off_t data = lseek(fd, static_cast<off_t>(range.begin), SEEK_DATA);
        if (data >= 0 && data < static_cast<off_t>(range.end)) {
            const std::string zeros(size, '\0');
            must(pwrite(fd, zeros.data(), size, static_cast<off_t>(range.begin)) ==
                     static_cast<ssize_t>(size),
                 "pwrite");
        }
        return;
    }
    must(pwrite(fd, op.data.data() + (range.begin - op.offset), size,
                static_cast<off_t>(range.begin)) == static_cast<ssize_t>(size),
         "pwrite");
}

void ImageBuilder::apply_sectors(const Op& op, std::mt19937_64& dice, int fd) {
    const std::uint64_t end = op.offset + op.length;
    if (coin(dice)) {
        grow(fd, end);  // the size came, whatever came of the rest
    }
    for (std::uint64_t at = op.offset; at < end;) {
        const std::uint64_t next = std::min((at / kSector + 1) * kSector, end);
        if (coin(dice)) {
            apply(op, {at, next}, fd);
        }
        at = next;
    }
}

void ImageBuilder::advance(std::uint64_t cut) {
    for (; settled_ < journal_.ops.size(); ++settled_) {
        const Op& op = journal_.ops[settled_];
        if (op.begin > cut || (op.covers() && op.durable > cut)) {
            return;
        }
        if (op.covers()) {
            const int fd = open_for_writing(base_of(op.file));
            apply(op, {op.offset, op.offset + op.length}, fd);
            close(fd);
        }
    }
}

ImageBuilder::Names ImageBuilder::names_at(std::uint64_t cut, std::mt19937_64& dice) const {
    std::vector<const Op*> done;
    std::size_t certain = 0;
    for (const Op& op : journal_.ops) {
        const bool names = op.is(OpKind::create) || op.is(OpKind::directory) ||
                           op.is(OpKind::rename) || op.is(OpKind::unlink);
        if (names && op.begin <= cut) {
            done.push_back(&op);
            certain = op.durable <= cut ? done.size() : certain;
        }
    }
    done.resize(certain + dice() % (done.size() - certain + 1));
    Names names;
    for (const Op* op : done) {
        if (op->is(OpKind::unlink)) {
            names.erase(op->name);
        } else if (op->is(OpKind::rename)) {
            names[op->data] = names[op->name];
            names.erase(op->name);
        } else {
            names[op->name] = {op->is(OpKind::directory), op->file};
        }
    }
    return names;
}

void ImageBuilder::write_tail(std::uint64_t cut, Mood mood, std::mt19937_64& dice,
                              std::uint32_t file, int fd) const {
    std::vector<const Op*> tail;
    std::size_t pending = 0;
    for (std::size_t i = settled_; i < journal_.ops.size() && journal_.ops[i].begin <= cut; ++i) {
        const Op& op = journal_.ops[i];
        if (op.covers() && op.file == file) {
            tail.push_back(&op);
            pending += op.durable > cut ? 1 : 0;
        }
    }
    std::size_t nth = 0;
    for (const Op* op : tail) {
        const Range whole{op->offset, op->offset + op->length};
        if (op->durable <= cut) {
            apply(*op, whole, fd);
            continue;
        }
        ++nth;
        const bool taken = mood == Mood::all || (mood == Mood::some && coin(dice)) ||
                           (mood == Mood::newest && nth == pending) ||
                           (mood == Mood::oldest_lost && nth != 1);
        // What was still being written when the power went may be torn whatever the mood.
        const bool torn = op->is(OpKind::write) &&
                          (mood == Mood::sectors || (taken && op->end > cut && coin(dice)));
        if (torn) {
            apply_sectors(*op, dice, fd);
        } else if (taken || (mood == Mood::sectors && coin(dice))) {
            apply(*op, whole, fd);
        }
    }
}

void ImageBuilder::build(std::uint64_t cut, std::mt19937_64& dice, const std::string& out) {
    advance(cut);
    const auto mood = static_cast<Mood>(dice() % 6);
    fs::create_directory(out);
    for (const auto& [name, entry] : names_at(cut, dice)) {
        const std::string path = out + "/" + name;
        if (entry.directory) {
            fs::create_directory(path);
            continue;
        }
        if (name.ends_with("lock.mdb")) {
            write_noise(path, dice);
            continue;
        }
        const int from = open(base_of(entry.file).c_str(), O_RDONLY | O_CLOEXEC);
        const int to = open_for_writing(path);
        if (from >= 0) {
            copy_sparse(from, to);
            close(from);
        }
        write_tail(cut, mood, dice, entry.file, to);
        close(to);
    }
}

}  // namespace skald::crash
