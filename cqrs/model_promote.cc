#include <fmt/format.h>

#include "cqrs/live_hub.h"
#include "cqrs/model_core.h"
#include "cqrs/position_order.h"

namespace skald::cqrs {
namespace {

Error missing(std::uint32_t number) {
    return {Errc::not_found, fmt::format("there is no version {}", number)};
}

// `passed`: where the one it replaces stands.
Result<void> may_replace(const ModelVersion& version, const ModelVersion* from,
                         const Position& passed) {
    const VersionStatus status = version.progress.status();
    if (!status.complete && !(from != nullptr && from->progress.status().complete)) {
        return Error(Errc::not_ready, fmt::format("version {} is not complete", version.number));
    }
    if (!covers(status.position, passed)) {
        const std::uint64_t left = left_between(status.position, passed);
        return Error(Errc::timed_out, fmt::format("version {} is {} events behind version {}",
                                                  version.number, left, from->number));
    }
    return {};
}

// Else a version that is as fast as the one it follows would never pass it.
class Standstill {
  public:
    explicit Standstill(ModelVersion* version) : version_(version) { set(true); }
    ~Standstill() { set(false); }
    Standstill(const Standstill&) = delete;
    Standstill& operator=(const Standstill&) = delete;

  private:
    void set(bool held) {
        if (version_ != nullptr) {
            version_->held = held;
        }
    }
    ModelVersion* version_;
};

}  // namespace

using store::lmdb::WriteTxn;

Result<void> ModelCore::flip(WriteTxn& txn, ModelVersion& to, ModelVersion* from) {
    if (from == nullptr) {
        return catalogue_.put_active(txn, to.number, 0);
    }
    auto ok = put_muted(txn, to, from->progress.reached());
    return ok ? catalogue_.put_active(txn, to.number, from->number) : std::move(ok);
}

Result<void> ModelCore::put_complete(WriteTxn& txn, const ModelVersion& version) {
    auto checkpoint = catalogue_.checkpoint(txn, version.number);
    if (!checkpoint) {
        return checkpoint.error();
    }
    checkpoint->complete = true;
    return catalogue_.put_checkpoint(txn, version.number, *checkpoint);
}

// In one write transaction no other version can commit, so that nobody passes anybody meanwhile.
Result<void> ModelCore::try_promote(ModelVersion& version) {
    const std::shared_lock lock(mutex_);
    std::shared_ptr<ModelVersion> from;
    Position passed;
    std::optional<LiveHub::Turn> turn;
    auto ok = home_.write([&](WriteTxn& txn) -> Result<void> {
        from = find_locked(active_);
        if (from.get() == &version) {
            return {};
        }
        if (find_locked(version.number).get() != &version) {
            return missing(version.number);
        }
        passed = from ? from->progress.reached() : Position{};
        if (auto may = may_replace(version, from.get(), passed); !may) {
            return may;
        }
        turn.emplace(*live_, version.number);
        auto flipped = flip(txn, version, from.get());
        return flipped ? put_complete(txn, version) : flipped;
    });
    if (ok && turn) {
        turn->replaced();
        version.progress.complete();
        version.mute_until(passed);
        active_ = version.number;
        previous_ = from ? from->number : 0;
    }
    return ok;
}

Result<void> ModelCore::promote(std::uint32_t number, std::chrono::milliseconds wait) {
    const auto version = find(number);
    if (!version) {
        return missing(number);
    }
    const auto from = active();
    const Standstill standstill(from == version ? nullptr : from.get());
    Result<void> promoted;
    version->progress.wait_until(wait, [&] {
        promoted = try_promote(*version);
        return promoted || (promoted.error().code != Errc::not_ready &&
                            promoted.error().code != Errc::timed_out);
    });
    return promoted;
}

Result<void> ModelCore::roll_back() {
    const std::shared_lock lock(mutex_);
    std::shared_ptr<ModelVersion> from;
    std::shared_ptr<ModelVersion> to;
    Position passed;
    std::optional<LiveHub::Turn> turn;
    auto ok = home_.write([&](WriteTxn& txn) -> Result<void> {
        from = find_locked(active_);
        to = find_locked(previous_);
        if (!from || !to) {
            return Error(Errc::not_found, "there is no version to go back to");
        }
        passed = from->progress.reached();
        turn.emplace(*live_, to->number);
        return flip(txn, *to, from.get());
    });
    if (ok) {
        turn->replaced();
        to->mute_until(passed);
        active_ = to->number;
        previous_ = from->number;
    }
    return ok;
}

Result<void> ModelCore::retire(std::uint32_t number) {
    const std::unique_lock lock(mutex_);
    const auto version = find_locked(number);
    if (!version) {
        return missing(number);
    }
    if (version->projectors > 0 || number == active_) {
        return Error(Errc::busy, fmt::format("version {} {}", number,
                                             number == active_
                                                 ? "is active; promote another first"
                                                 : "is being projected; stop its projector first"));
    }
    std::optional<LiveHub::Turn> turn;
    auto ok = home_.write([&](WriteTxn& txn) -> Result<void> {
        turn.emplace(*live_, number);
        auto gone = version->tables.drop(txn);
        if (gone) {
            gone = catalogue_.erase_version(txn, number);
        }
        return gone && number == previous_ ? catalogue_.put_active(txn, active_, 0) : gone;
    });
    if (ok) {
        turn->emptied();  // to learn that there is no such version
        versions_.erase(number);
        previous_ = number == previous_ ? 0 : previous_.load();
    }
    return ok;
}

}  // namespace skald::cqrs
