#include "tests/crash/journal.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

namespace skald::crash {
namespace {

constexpr std::uint64_t kNever = UINT64_MAX;

// When what was done before `end` was made durable by a sync that began after it.
class Syncs {
  public:
    explicit Syncs(const std::vector<Op>& ops) {
        for (const Op& op : ops) {
            if (op.is(OpKind::sync)) {
                files_["f" + std::to_string(op.file)].push_back({op.begin, op.end});
            } else if (op.is(OpKind::sync_directory)) {
                files_["d" + op.name].push_back({op.begin, op.end});
            }
        }
        for (auto& [name, syncs] : files_) {
            for (std::size_t i = syncs.size() - 1; i > 0; --i) {
                syncs[i - 1].end = std::min(syncs[i - 1].end, syncs[i].end);
            }
        }
    }
    std::uint64_t after(const std::string& file, std::uint64_t end) const {
        const auto at = files_.find(file);
        if (at == files_.end()) {
            return kNever;
        }
        const auto sync =
            std::upper_bound(at->second.begin(), at->second.end(), end,
                             [](std::uint64_t e, const Sync& s) { return e < s.begin; });
        return sync == at->second.end() ? kNever : sync->end;
    }

  private:
    struct Sync {
        std::uint64_t begin;
        std::uint64_t end;  // the earliest of this and all later ones
    };
    std::map<std::string, std::vector<Sync>> files_;
};

std::string parent_of(const std::string& name) {
    const std::size_t slash = name.find_last_of('/');
    return slash == std::string::npos ? "" : name.substr(0, slash);
}

std::uint64_t durable_at(const Op& op, const Syncs& syncs) {
    switch (op.kind) {
        case OpKind::write:
        case OpKind::truncate: {
            const std::uint64_t synced = syncs.after("f" + std::to_string(op.file), op.end);
            return (op.flags & kFlagDurable) != 0 ? std::min(op.end, synced) : synced;
        }
        case OpKind::create:
        case OpKind::directory:
        case OpKind::rename:
        case OpKind::unlink:
            return syncs.after("d" + parent_of(op.name), op.end);
        default:
            return op.end;
    }
}

void find_races(Journal& journal) {
    std::vector<const Op*> open;
    for (const Op& op : journal.ops) {
        if (!op.is(OpKind::write)) {
            continue;
        }
        std::erase_if(open, [&op](const Op* before) { return before->end < op.begin; });
        for (const Op* other : open) {
            if (other->file == op.file && other->offset < op.offset + op.length &&
                op.offset < other->offset + other->length) {
                journal.races.push_back("two writes at once to file " + std::to_string(op.file) +
                                        " at " + std::to_string(op.offset));
            }
        }
        open.push_back(&op);
    }
}

}  // namespace

Journal read_journal(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    Journal journal;
    for (std::size_t at = 0; at < bytes.size();) {
        Op op;
        const std::size_t left = bytes.size() - at;
        if (left >= sizeof(OpHeader)) {
            std::memcpy(static_cast<OpHeader*>(&op), bytes.data() + at, sizeof(OpHeader));
        }
        if (left < sizeof(OpHeader) || op.magic != OpHeader{}.magic ||
            left < sizeof(OpHeader) + op.name_bytes + op.data_bytes) {
            std::fprintf(stderr, "%s is no journal\n", path.c_str());
            std::exit(70);
        }
        at += sizeof(OpHeader);
        op.name = bytes.substr(at, op.name_bytes);
        op.data = bytes.substr(at + op.name_bytes, op.data_bytes);
        at += op.name_bytes + op.data_bytes;
        journal.end = std::max(journal.end, op.end);
        journal.ops.push_back(std::move(op));
    }
    std::sort(journal.ops.begin(), journal.ops.end(),
              [](const Op& a, const Op& b) { return a.begin < b.begin; });
    const Syncs syncs(journal.ops);
    for (Op& op : journal.ops) {
        op.durable = durable_at(op, syncs);
    }
    find_races(journal);
    return journal;
}

}  // namespace skald::crash
