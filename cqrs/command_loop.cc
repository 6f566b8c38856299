#include "cqrs/command_loop.h"

#include "cqrs/derived_id.h"
#include "cqrs/limits.h"

namespace skald::cqrs {

bool is_conflict(const Error& error) {
    return error.code == Errc::wrong_expected_version || error.code == Errc::check_failed ||
           error.code == Errc::partly_repeated;
}

Command CommandLoop::command(const std::string& stream, const ExecuteOptions& options) const {
    return {
        stream, options,
        options.command_id.empty() ? pause_.random_id() : command_key(stream, options.command_id),
        pause_.clock().now()};
}

Result<CarriedOut> CommandLoop::carry_out(const Command& command, AnyDecider& decider,
                                          Ground& ground) const {
    CarriedOut done;
    while (true) {
        auto finished = attempt(command, decider, ground, done);
        if (!finished) {
            return finished.error();
        }
        if (*finished) {
            return done;
        }
        pause_.before_attempt(done.attempts + 1);
        if (auto ok = ground.catch_up(); !ok) {
            return ok.error();
        }
    }
}

Result<Receipt> CommandLoop::send(const Append& append) const {
    auto receipt = store_.append(append);
    if (receipt || receipt.error().code != Errc::outcome_unknown) {
        return receipt;
    }
    for (unsigned n = 0; n < limits::kResendsMax; ++n) {
        pause_.before_resend();
        auto again = store_.append(append);
        if (again || is_conflict(again.error())) {
            return again;
        }
    }
    return receipt;
}

Result<bool> CommandLoop::attempt(const Command& command, AnyDecider& decider, Ground& ground,
                                  CarriedOut& done) const {
    if (auto repeated = find_repeat(ground, done); !repeated || *repeated) {
        return repeated;
    }
    if (const auto exists = ground.existing()) {
        done.exists = exists;
        return true;
    }
    if (auto ok = ground.check_expected(); !ok) {
        return ok.error();
    }
    auto events = decider.decide(ground.state(), {command.stream, command.now, command.key});
    ++done.attempts;
    if (!events || events->empty()) {
        return events ? Result<bool>(true) : events.error();
    }
    const std::size_t count = events->size();
    Append append = ground.append_of(std::move(*events));
    auto receipt = send(append);
    if (!receipt && !decides_again(receipt.error(), ground, done)) {
        if (const auto moved = ground.behind_hidden(std::move(append), receipt.error())) {
            receipt = send(*moved);
        }
    }
    if (!receipt) {
        return refused(receipt.error(), ground, done);
    }
    done.receipt = std::move(*receipt);
    if (done.receipt->repeated) {
        // Another caller decided it, maybe otherwise: what counts is what is stored.
        ++counters_.repeats;
        auto ok = ground.catch_up();
        return ok ? Result<bool>(true) : ok.error();
    }
    decider.evolve(ground.state());
    ground.appended(*done.receipt, count);
    return true;
}

bool CommandLoop::decides_again(const Error& error, const Ground& ground,
                                const CarriedOut& done) const {
    return !ground.existing_in(error) && ground.may_pass(error) &&
           done.attempts < pause_.attempts();
}

Result<bool> CommandLoop::refused(const Error& error, Ground& ground, CarriedOut& done) const {
    if (!is_conflict(error)) {
        return error;
    }
    ++counters_.conflicts;
    if (decides_again(error, ground, done)) {
        return false;
    }
    // It may be this very command, carried out by another caller meanwhile.
    if (auto ok = ground.catch_up(); !ok) {
        return ok.error();
    }
    if (auto repeated = find_repeat(ground, done); !repeated || *repeated) {
        return repeated;
    }
    const auto refused_by = ground.existing_in(error);
    done.exists = refused_by ? refused_by : ground.existing();
    return done.exists ? Result<bool>(true) : error;
}

Result<bool> CommandLoop::find_repeat(Ground& ground, CarriedOut& done) const {
    auto repeat = ground.repeat();
    if (!repeat) {
        return repeat.error();
    }
    if (!*repeat) {
        return false;
    }
    ++counters_.repeats;
    done.receipt = std::move(**repeat);
    return true;
}

}  // namespace skald::cqrs
