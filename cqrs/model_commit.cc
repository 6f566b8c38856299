// What changes the rows and the checkpoint of a version.
#include <fmt/format.h>

#include "cqrs/model_core.h"

namespace skald::cqrs {

using store::lmdb::WriteTxn;

Result<void> ModelCore::check_term(const store::lmdb::Txn& txn, const ModelVersion& version,
                                   std::uint64_t term) const {
    auto begun = catalogue_.term(txn, version.number);
    if (!begun) {
        return begun.error();
    }
    if (*begun > term) {
        return Error(Errc::fenced,
                     fmt::format("projector {} version {}: another copy took over with term {}; "
                                 "ours is {}",
                                 name_, version.number, *begun, term));
    }
    return {};
}

Result<ModelCheckpoint> ModelCore::begin(const ModelVersion& version, std::uint64_t term) {
    const std::shared_lock lock(mutex_);
    ModelCheckpoint checkpoint;
    auto ok = home_.write([&](WriteTxn& txn) -> Result<void> {
        auto begun = check_term(txn, version, term);
        auto found = catalogue_.checkpoint(txn, version.number);
        if (!begun || !found) {
            return !begun ? begun : found.error();
        }
        checkpoint = std::move(*found);
        return catalogue_.put_term(txn, version.number, term);
    });
    return ok ? Result<ModelCheckpoint>(std::move(checkpoint)) : ok.error();
}

Result<bool> ModelCore::commit(ModelVersion& version, const Commit& commit) {
    const std::shared_lock lock(mutex_);
    Put done;
    auto ok = home_.write([&](WriteTxn& txn) { return put(txn, version, commit, done); });
    if (!ok) {
        return ok.error();
    }
    settle(version, commit, done);
    return done.active;
}

Result<void> ModelCore::put(WriteTxn& txn, const ModelVersion& version, const Commit& commit,
                            Put& done) {
    auto ok = check_term(txn, version, commit.term);
    auto checkpoint = catalogue_.checkpoint(txn, version.number);
    auto active = catalogue_.active(txn);
    if (!ok || !checkpoint || !active) {
        return !ok ? ok : !checkpoint ? checkpoint.error() : active.error();
    }
    done.checkpoint = {checkpoint->commits + 1, checkpoint->events + commit.events,
                       checkpoint->complete || commit.complete, to_token(commit.position)};
    done.active = *active == version.number;
    done.turn.emplace(*live_, version.number);
    if (commit.batch != nullptr) {
        ok = commit.batch->write(txn, done.turn->watch());
    }
    if (ok && commit.parked != nullptr) {
        ok = commit.parked->write(txn, version.tables.parked);
    }
    return ok ? catalogue_.put_checkpoint(txn, version.number, done.checkpoint) : ok;
}

void ModelCore::settle(ModelVersion& version, const Commit& commit, Put& done) {
    done.turn->committed(commit.position);
    done.turn.reset();
    const std::uint64_t parked = commit.parked != nullptr ? commit.parked->size() : 0;
    version.progress.committed({commit.position, done.checkpoint.commits, done.checkpoint.events,
                                parked, done.checkpoint.complete});
}

Result<void> ModelCore::reset(ModelVersion& version, const Position& muted_until) {
    const std::shared_lock lock(mutex_);
    ModelCheckpoint begun;
    std::optional<LiveHub::Turn> turn;
    auto ok = home_.write([&](WriteTxn& txn) -> Result<void> {
        auto checkpoint = catalogue_.checkpoint(txn, version.number);
        if (!checkpoint) {
            return checkpoint.error();
        }
        begun.commits = checkpoint->commits + 1;
        turn.emplace(*live_, version.number);
        auto cleared = version.tables.clear(txn);
        if (cleared) {
            cleared = catalogue_.put_checkpoint(txn, version.number, begun);
        }
        return cleared ? put_muted(txn, version, muted_until) : cleared;
    });
    if (ok) {
        turn->emptied();
        version.mute_until(muted_until);
        version.progress.committed({{}, begun.commits, 0, 0, false});
    }
    return ok;
}

Result<void> ModelCore::put_muted(WriteTxn& txn, const ModelVersion& version,
                                  const Position& until) {
    return catalogue_.put_version(txn, {version.number, version.tables.schema, to_token(until)});
}

}  // namespace skald::cqrs
