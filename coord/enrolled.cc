#include "coord/enrolled.h"

#include <utility>

#include "base/glob.h"
#include "coord/limits.h"

namespace skald::coord {
namespace {

Error gone() {
    return {Errc::not_found, "the instance was deregistered before, or is another's now"};
}

std::string failure_in(const Result<void>& seen) {
    if (seen) {
        return "";
    }
    const std::string& message = seen.error().message;
    return std::string(message.empty() ? name_of(seen.error().code)
                                       : utf8_prefix(message, kCheckFailureBytesMax));
}

std::optional<Entry> first(const std::vector<Entry>& entries) {
    return entries.empty() ? std::nullopt : std::optional(entries.front());
}

}  // namespace

Result<void> Enrolled::begin() {
    const std::lock_guard lock(mutex_);
    auto done = claim({});
    return done ? Result<void>() : done.error();
}

// Whatever is on another lease is another's.
Compare Enrolled::mine() const {
    return {keys_.instance,
            Compare::Field::lease,
            Compare::Is::equal,
            leases_->registration->id().value,
            {}};
}

bool Enrolled::ended() {
    const std::lock_guard lock(mutex_);
    return !leases_;
}

Result<Enrolled::Leases> Enrolled::grant() {
    auto registration = keeper_.grant(settings_.registration, settings_.heartbeat);
    if (!registration) {
        return registration.error();
    }
    auto liveness = keeper_.grant(settings_.liveness, settings_.heartbeat);
    if (!liveness) {
        return liveness.error();
    }
    return Leases{std::move(*registration), std::move(*liveness)};
}

// On leases of its own from now on: after an error they end, and with them what may be there.
Result<bool> Enrolled::claim(std::vector<Compare> compares) {
    auto leases = grant();
    if (!leases) {
        return leases.error();
    }
    const Time now = clock_.now();
    auto text = text_of(settings_, now);
    if (!text) {
        return text.error();
    }
    const auto done = coord_.txn(
        {std::move(compares),
         {Put{keys_.instance, std::move(*text), leases->registration->id()},
          Put{keys_.alive, "", leases->liveness->id()}, Erase{KeyRange::one(keys_.check)}},
         {}});
    if (!done) {
        if (done.error().code == Errc::outcome_unknown) {
            unanswered_ = Unanswered{std::move(*leases), now};
        }
        return done.error();
    }
    if (done->succeeded) {
        unanswered_.reset();
        registered_ = now;
        leases_ = std::move(*leases);
        checks_.forget();
    }
    return done->succeeded;
}

Result<void> Enrolled::update(std::string endpoint, Metadata metadata) {
    const std::lock_guard lock(mutex_);
    InstanceSettings changed = settings_;
    changed.endpoint = std::move(endpoint);
    changed.metadata = std::move(metadata);
    if (auto ok = check_instance(changed); !ok) {
        return ok;
    }
    while (leases_) {
        const auto text = text_of(changed, registered_);
        if (!text) {
            return text.error();
        }
        const auto done =
            coord_.txn({{mine()}, {Put{keys_.instance, *text, leases_->registration->id()}}, {}});
        if (!done) {
            return done.error();
        }
        if (done->succeeded) {
            settings_ = std::move(changed);
            return {};
        }
        if (auto ok = set_right(); !ok) {
            return ok;
        }
    }
    return gone();
}

Result<void> Enrolled::end() {
    const std::lock_guard lock(mutex_);
    if (!leases_) {
        return gone();
    }
    const auto done = coord_.txn({{mine()}, erase(keys_), {}});
    leases_.reset();
    unanswered_.reset();
    if (!done) {
        return done.error();
    }
    return done->succeeded ? Result<void>() : gone();
}

void Enrolled::keep_up() {
    const std::lock_guard lock(mutex_);
    if (leases_) {
        // The store may be away: then at the next time.
        (void)set_right();
    }
}

Result<void> Enrolled::set_right() {
    const auto found =
        coord_.txn({{}, {Get{KeyRange::one(keys_.instance)}, Get{KeyRange::one(keys_.alive)}}, {}});
    if (!found) {
        return found.error();
    }
    const auto instance = first(found->found.at(0));
    if (unanswered_ && instance && instance->lease == unanswered_->leases.registration->id()) {
        leases_ = std::move(unanswered_->leases);
        registered_ = unanswered_->registered;
        unanswered_.reset();
        checks_.forget();
    }
    switch (standing_of(instance, first(found->found.at(1)),
                        {leases_->registration->id(), leases_->liveness->id()})) {
        case Standing::sound:
            return {};
        case Standing::unheard:
            return be_heard();
        case Standing::absent:
            return begin_again();
        case Standing::anothers:
            leases_.reset();
            return {};
    }
    return {};
}

Result<void> Enrolled::be_heard() {
    auto liveness = keeper_.grant(settings_.liveness, settings_.heartbeat);
    if (!liveness) {
        return liveness.error();
    }
    const auto done = coord_.txn({{mine()}, {Put{keys_.alive, "", (*liveness)->id()}}, {}});
    if (!done) {
        return done.error();
    }
    if (done->succeeded) {
        leases_->liveness = std::move(*liveness);
    }
    return {};
}

// Unless its lease stands: then somebody erased it, and it is not for us to bring it back.
Result<void> Enrolled::begin_again() {
    const auto stands = coord_.keep_alive(leases_->registration->id());
    if (stands) {
        leases_.reset();
        return {};
    }
    if (stands.error().code != Errc::not_found) {
        return stands.error();
    }
    const auto done = claim({Compare::absent(keys_.instance)});
    if (!done) {
        return done.error();
    }
    // Else it may be our own, come late.
    if (!*done && !unanswered_) {
        leases_.reset();
    }
    return {};
}

void Enrolled::look(const Look& look, const std::stop_token& stop) {
    if (!probe_ || ended()) {
        return;
    }
    const Monotonic begun = clock_.monotonic();
    const auto seen = look(*probe_, stop);
    const Monotonic now = clock_.monotonic();
    const Check check{clock_.now(),
                      std::chrono::duration_cast<std::chrono::microseconds>(now - begun),
                      failure_in(seen)};
    const std::lock_guard lock(mutex_);
    if (!leases_ || !checks_.worth_telling(check, now)) {
        return;
    }
    const auto done =
        coord_.txn({{mine()}, {Put{keys_.check, text_of(check), leases_->registration->id()}}, {}});
    if (done && done->succeeded) {
        checks_.told(check, now);
    }
}

}  // namespace skald::coord
