#include "store/scavenger.h"

#include <algorithm>

#include "base/limits.h"
#include "store/lifecycle_mask.h"

namespace skald::store {
namespace {

constexpr std::size_t kFactsMax = 65536;
constexpr auto kReadTimeMax = std::chrono::milliseconds(500);
static_assert(kReadTimeMax < limits::kReadTxnAgeMax);

bool same(const wire::BatchHeader& header, Bytes stored) {
    return stored.size() >= sizeof header &&
           std::memcmp(stored.data(), &header, sizeof header) == 0;
}

}  // namespace

Scavenger::Scavenger(Parts parts, const AdminProgress& progress)
    : parts_(std::move(parts)), progress_(progress) {
    const lmdb::EnvInfo env = parts_.env.info();
    bytes_total_ = (env.last_page + 1) * env.page_bytes;
}

Result<ScavengeReport> Scavenger::run() {
    auto controls = NeededControls::look(parts_.logs, parts_.visible(), [this] { return go_on(); });
    if (!controls) {
        return controls.error();
    }
    controls_ = std::move(*controls);
    for (const auto& log : parts_.logs) {
        const Offset end = parts_.visible()[log->partition().value].high_watermark;
        if (auto ok = rewrite(*log, end); !ok) {
            return ok.error();
        }
        if (auto ok = drop_head(*log); !ok) {
            return ok.error();
        }
    }
    if (auto ok = scrub(); !ok) {
        return ok.error();
    }
    return report_;
}

Result<void> Scavenger::go_on() const {
    return parts_.stop.stop_requested()
               ? Error(Errc::shutting_down, "the scavenge was stopped; what it did stays done")
               : Result<void>();
}

void Scavenger::advance(std::uint64_t bytes) {
    bytes_done_ += bytes;
    if (progress_) {
        progress_(bytes_done_, std::max(bytes_done_, bytes_total_));
    }
}

bool Scavenger::slice_over() const {
    return parts_.clock.monotonic() - slice_begun_ >= limits::kSliceTimeMax;
}

Result<const StreamFacts*> Scavenger::facts(std::string_view stream) {
    if (facts_.size() >= kFactsMax) {
        facts_.clear();
    }
    const auto [place, fresh] = facts_.try_emplace(std::string(stream));
    if (fresh) {
        auto found = facts_of(*log_, *index_, stream);
        if (!found) {
            facts_.erase(place);
            return found.error();
        }
        place->second = std::move(*found);
    }
    return &place->second;
}

Result<void> Scavenger::rewrite(PartitionLog& log, Offset end) {
    Offset at = log.start();
    while ((log.has_lifecycle() || controls_.any_dead()) && at < end) {
        std::vector<Rewrite> rewrites;
        auto prepared = prepare(log, at, end, rewrites);
        if (!prepared) {
            return prepared.error();
        }
        auto applied = apply(log, rewrites, *prepared);
        if (!applied) {
            return applied.error();
        }
        at = *applied;
    }
    return {};
}

// What readers may see now is what the next batches are judged by.
Result<std::unique_ptr<IndexSnapshot>> Scavenger::look(PartitionLog& log,
                                                       const lmdb::ReadTxn& txn) {
    auto index = log.index().snapshot(txn, seen_.high_watermark);
    if (index) {
        log_ = &log;
        index_ = index->get();
        facts_.clear();
    }
    return index;
}

// Hands on the batches from `at` on, judged by what readers may see now, until one is not taken or
// the read has lasted long enough; returns where it came to.
Result<Offset> Scavenger::walk(PartitionLog& log, Offset at, Offset end, const Visit& visit) {
    if (auto ok = go_on(); !ok) {
        return ok.error();
    }
    seen_ = parts_.visible()[log.partition().value];
    auto txn = parts_.env.read();
    if (!txn) {
        return txn.error();
    }
    auto index = look(log, *txn);
    if (!index) {
        return index.error();
    }
    const Monotonic begun = parts_.clock.monotonic();
    while (at < end && parts_.clock.monotonic() - begun < kReadTimeMax) {
        auto found = log.reader().at(*txn, at);
        if (!found) {
            return found.error();
        }
        if (!*found) {
            return end;
        }
        auto taken = visit((*found)->view);
        if (!taken) {
            return taken.error();
        }
        if (!*taken) {
            return at;
        }
        at = (*found)->view.end();
    }
    return at;
}

// Up to a slice's worth of rewriting; returns where it came to.
Result<Offset> Scavenger::prepare(PartitionLog& log, Offset at, Offset end,
                                  std::vector<Rewrite>& rewrites) {
    std::size_t bytes = 0;
    return walk(log, at, end, [&](const wire::BatchView& batch) -> Result<bool> {
        if (bytes >= limits::kSliceBytesMax) {
            return false;
        }
        auto punched = punch(batch);
        if (!punched) {
            return punched.error();
        }
        if (*punched) {
            bytes += (*punched)->after.size();
            rewrites.push_back(std::move(**punched));
        }
        advance(batch.bytes().size());
        return true;
    });
}

// Whether the batch may hold anything that is dead.
Result<bool> Scavenger::mortal(const wire::BatchView& batch) {
    if (batch.header().controls != 0 && controls_.any_dead()) {
        return true;
    }
    for (std::uint32_t i = 0; i < batch.names() && log_->has_lifecycle(); ++i) {
        // Some are names of types; a stream may well have the same name.
        auto known = facts(batch.name(static_cast<std::uint16_t>(i)));
        if (!known || (*known)->lifecycle) {
            return known ? Result<bool>(true) : known.error();
        }
    }
    return false;
}

Result<bool> Scavenger::dead(const EventView& record) {
    if (record.control) {
        return controls_.dead(record.stream, record.offset);
    }
    auto known = facts(record.stream);
    if (!known) {
        return known.error();
    }
    const StreamFacts& stream = **known;
    return !stream.control.alive(record.version, record.recorded_at, stream.next, seen_.clock);
}

Result<std::optional<Scavenger::Rewrite>> Scavenger::punch(const wire::BatchView& batch) {
    auto may = mortal(batch);
    if (!may || !*may) {
        return may ? Result<std::optional<Rewrite>>(std::nullopt) : may.error();
    }
    Rewrite rewrite;
    std::vector<std::uint32_t> holes;
    std::uint32_t seen = 0;
    for (wire::EventCursor cursor(batch); cursor.next(); ++seen) {
        const EventView& record = cursor.event();
        auto gone = cursor.hole() ? Result<bool>(false) : dead(record);
        if (!gone) {
            return gone.error();
        }
        if (*gone) {
            holes.push_back(cursor.index());
            auto& streams = rewrite.streams;
            if (!record.control && (streams.empty() || streams.back() != record.stream)) {
                streams.emplace_back(record.stream);
            }
        }
    }
    if (seen != batch.size()) {
        Error error(Errc::corrupt, "a record is damaged; nothing was removed from its batch on");
        error.offset = batch.base().value + seen;
        return error;
    }
    if (holes.empty()) {
        return std::optional<Rewrite>();
    }
    rewrite.before = batch.header();
    rewrite.removed = holes.size();
    rewrite.after = wire::punch_holes(batch, holes);
    return std::optional(std::move(rewrite));
}

// Returns where to go on: `end`, or a batch that has changed meanwhile.
Result<Offset> Scavenger::apply(PartitionLog& log, const std::vector<Rewrite>& rewrites,
                                Offset end) {
    std::size_t done = 0;
    bool changed = false;
    while (done < rewrites.size() && !changed) {
        const std::size_t begin = done;
        auto ok = parts_.writer.change([&](lmdb::WriteTxn& txn) -> Result<void> {
            begin_slice();
            for (done = begin; done < rewrites.size() && !slice_over(); ++done) {
                const Rewrite& rewrite = rewrites[done];
                auto stored = txn.get(log.databases().log, rewrite.before.base_offset);
                auto dead = still_dead(log, rewrite);
                if (!stored || !dead) {
                    return stored ? dead.error() : stored.error();
                }
                changed = !*stored || !same(rewrite.before, **stored) || !*dead;
                if (changed) {
                    break;
                }
                if (auto put = txn.put(log.databases().log, rewrite.before.base_offset,
                                       as_bytes(rewrite.after));
                    !put) {
                    return put;
                }
            }
            return {};
        });
        if (!ok) {
            return ok.error();
        }
        for (std::size_t i = begin; i < done; ++i) {
            report_.records_removed += rewrites[i].removed;
            report_.bytes_freed += rewrites[i].before.bytes - rewrites[i].after.size();
        }
        report_.batches_rewritten += done - begin;
        log.ring().clear();
    }
    return changed ? Offset{rewrites[done].before.base_offset} : end;
}

// A lifecycle record that came since may have let events be seen again.
Result<bool> Scavenger::still_dead(PartitionLog& log, const Rewrite& rewrite) const {
    const Offset known_below = seen_.high_watermark;
    if (!log.newest_lifecycle() || *log.newest_lifecycle() < known_below) {
        return true;
    }
    for (const std::string& stream : rewrite.streams) {
        auto now = log.facts(stream);
        if (!now) {
            return now.error();
        }
        if (!now->lifecycle || *now->lifecycle >= known_below) {
            return false;
        }
    }
    return true;
}

}  // namespace skald::store
